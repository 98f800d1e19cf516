# SPDX-License-Identifier: BSD-2-Clause
# Completion of bubctl(8), for bash-completion.  Peers are those that the running bubd knows.

_bubctl_peers()
{
	# At the socket that the line names, where it names one.
	local at
	local -a socket=()
	for ((at = 1; at < cword; at++)); do
		[[ ${words[at]} == -s ]] && socket=(-s "${words[at + 1]}")
	done
	bubctl "${socket[@]}" show --peers --json 2>/dev/null | sed -n 's/^ *"peer": "\(.*\)",*$/\1/p'
}

_bubctl()
{
	# Without colons as ends of words: addresses are full of them.
	local cur prev words cword
	_init_completion -n : || return
	local at command='' candidates=''
	for ((at = 1; at < cword; at++)); do
		case ${words[at]} in
		-s) ((at++)) ;;
		-*) ;;
		*)
			command=${words[at]}
			break
			;;
		esac
	done
	case $prev:$command in
	-s:* | -c:* | --secret:* | *:genkey)
		_filedir
		return
		;;
	*:) candidates='show counters bub-start forget refresh reload monitor genkey init doctor -s -h --help -V --version' ;;
	*:init)
		candidates='mobile-node home-agent'
		[[ $cur == -* ]] && candidates=$(bubctl init --help | grep -oE '[-]-[a-z-]+')
		;;
	*:doctor) candidates='--json -c' ;;
	*:monitor | *:reload) candidates='--json' ;;
	--mode:*) candidates='bub ro tunnel plain' ;;
	*:show)
		candidates='--json --check --mode --homes --peers --clients'
		[[ $cur == -* ]] || candidates=$(_bubctl_peers)
		;;
	*:counters) candidates='--json --all --openmetrics' ;;
	*:bub-start | *:forget) candidates=$(_bubctl_peers) ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$cur")
	__ltrim_colon_completions "$cur"
}

complete -F _bubctl bubctl
