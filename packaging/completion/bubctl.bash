# SPDX-License-Identifier: BSD-2-Clause
# Completion of bubctl(8), for bash-completion.  Peers are those that the running bubd knows.

# What a command prints as JSON for the member.  At the socket that the line names, where it names one.
_bubctl_members()
{
	local at member=$1
	local -a socket=()
	for ((at = 1; at < cword; at++)); do
		[[ ${words[at]} == -s ]] && socket=(-s "${words[at + 1]}")
	done
	shift
	bubctl "${socket[@]}" "$@" --json 2>/dev/null | sed -n "s/^ *\"$member\": \"\(.*\)\",*\$/\1/p"
}

_bubctl_peers()
{
	_bubctl_members peer show --peers
}

_bubctl_interfaces()
{
	_bubctl_members interface prefer | sort -u
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
	-s:* | -c:* | -d:* | --secret:* | --psk-file:* | *:genkey)
		_filedir
		return
		;;
	*:) candidates='show counters bindings sas ping bub-start forget refresh reload prefer move switch monitor genkey enroll subscriber group drain init doctor -s -h --help -V --version' ;;
	*:switch)
		candidates='all stop to'
		[[ $cur == -* ]] && candidates=$(bubctl switch --help | grep -oE '[-]-[a-z-]+')
		;;
	*:init)
		candidates='mobile-node home-agent'
		[[ $cur == -* ]] && candidates=$(bubctl init --help | grep -oE '[-]-[a-z-]+')
		;;
	*:enroll)
		candidates='mobile-node home-agent'
		[[ $cur == -* ]] && candidates=$(bubctl enroll --help | grep -oE '[-]-[a-z-]+')
		;;
	*:subscriber)
		candidates='add remove show list import export'
		[[ $cur == -* ]] && candidates=$(bubctl subscriber --help | grep -oE '[-]-[a-z-]+')
		[[ $prev == import || $prev == export ]] && { _filedir; return; }
		;;
	*:group) candidates='status active standby ready check --json' ;;
	*:doctor) candidates='--json -c' ;;
	*:bugreport)
		candidates='--anonymize -c'
		[[ $cur == -* ]] || { _filedir; return; }
		;;
	*:monitor | *:reload) candidates='--json' ;;
	--mode:*) candidates='bub ro tunnel plain' ;;
	*:show)
		candidates='--json --check --mode --homes --peers --clients --all'
		[[ $cur == -* ]] || candidates=$(_bubctl_peers)
		;;
	*:ping | *:bindings | *:sas)
		candidates='--json'
		[[ $command == ping ]] || candidates+=' --all'
		[[ $cur == -* ]] || candidates=$(_bubctl_peers)
		;;
	*:prefer | *:move)
		candidates='--json'
		[[ $command == prefer ]] && candidates+=' --default'
		[[ $cur == -* ]] || candidates=$(_bubctl_interfaces)
		;;
	*:counters) candidates='--json --all --openmetrics' ;;
	*:bub-start | *:forget) candidates=$(_bubctl_peers) ;;
	esac
	[[ -z $command ]] && candidates+=' bugreport'
	mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$cur")
	__ltrim_colon_completions "$cur"
}

complete -F _bubctl bubctl
