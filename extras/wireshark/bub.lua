-- SPDX-License-Identifier: BSD-2-Clause
--
-- Shows Binding Update Backhauling in Wireshark and tshark: the BUB option, BUB Complete, DH1 to DH4,
-- the path cookie and the Authenticators, with a remark where a message is what the draft forbids.
--
-- Octets: docs/protocol.md, 2 to 4.  Use and preferences: docs/wireshark.md.
--
-- Wireshark's own dissector of the Mobility Header ("mipv6") stays at work for every message of RFC
-- 6275; this one reads the two message types that it takes for others, and adds a tree to the rest.  It
-- reads Home Agent Switch (RFC 5142) as well, whose options the other one looks for in the list.

local bub = Proto("bub", "Binding Update Backhauling")

local MOBILITY = 135
local MESSAGES_PORT = 4191
local HOTI, COTI, HOT, COT, BU, BA, HA_SWITCH = 1, 2, 3, 4, 5, 6, 12
local PAD1, PADN, ALTERNATE_CARE_OF, NONCE_INDICES, AUTHORIZATION, IDENTIFIER = 0, 1, 3, 4, 5, 8
local IPV6_ADDRESS = 2 -- subtype of the mobile node identifier (RFC 8371)
local AUTHENTICATOR_LEN = 12
local BU_FLAG_H = 0x4000

-- What stands between the checksum and the options (RFC 6275, 6.1), counted from the header's start.
local OPTIONS_AT = { [HOTI] = 16, [COTI] = 16, [HOT] = 24, [COT] = 24, [BU] = 12, [BA] = 12 }
local BUBC_OPTIONS_AT = 24
local DH_ITEMS_AT = 24

local NAMES = {
	[HOTI] = "Home Test Init",
	[COTI] = "Care-of Test Init",
	[HOT] = "Home Test",
	[COT] = "Care-of Test",
	[BU] = "Binding Update",
	[BA] = "Binding Acknowledgement",
}

bub.prefs.option = Pref.uint("BUB option", 18, "Number of the mobility option (keyword option)")
bub.prefs.mh_bubc = Pref.uint("BUB Complete", 8, "Mobility Header type (keyword mh-bubc)")
bub.prefs.mh_dh = Pref.uint("DH1 to DH4", 11, "Mobility Header type (keyword mh-dh)")
bub.prefs.path_cookie =
	Pref.uint("Path cookie", 240, "Number of the mobility option (keyword option-path-cookie)")
bub.prefs.path_report =
	Pref.uint("Path report", 241, "Number of the mobility option (keyword option-path-report)")
bub.prefs.udp_port =
	Pref.uint("UDP port", 62191, "Of the direct path in UDP (keyword direct-udp-port)")
bub.prefs.keys = Pref.string("Key logs", "",
	"Files that bubd wrote because of the keyword key-log, separated by colons")

-- ---- Fields -------------------------------------------------------------------------------------

local CODES = { [0] = "Do BUB", [1] = "BUB ACK", [2] = "BUB NACK" }
local ITEMS = {
	[0] = "Padding", [1] = "Nonce", [2] = "Info", [3] = "Public value", [4] = "Identity",
	[5] = "SIG", [6] = "MAC",
}
local SUITES = { [1] = "group 14, SHA-1", [2] = "X25519, SHA-256" }

local f = {
	message = ProtoField.string("bub.message", "Message"),
	code = ProtoField.uint8("bub.code", "BUB option", base.DEC, CODES),
	identity = ProtoField.ipv6("bub.identity", "Home address of the sender"),
	path_cookie = ProtoField.bytes("bub.path_cookie", "Path cookie"),
	report_came = ProtoField.bool("bub.report.came", "Path report: headers of data have come", 8, nil,
		0x80),
	report_cookie = ProtoField.bool("bub.report.cookie", "Path report: the cookie has come", 8, nil, 0x40),
	report_waited = ProtoField.bool("bub.report.waited", "Path report: what has not is lost", 8, nil, 0x20),
	report_port = ProtoField.uint16("bub.report.port", "Path report: UDP port", base.DEC),
	next = ProtoField.uint8("bub.mh.proto", "Payload protocol", base.DEC),
	length = ProtoField.uint8("bub.mh.length", "Header length, in units of 8 octets", base.DEC),
	kind = ProtoField.uint8("bub.mh.type", "Mobility Header type", base.DEC),
	checksum = ProtoField.uint16("bub.mh.checksum", "Checksum", base.HEX),
	init_cookie = ProtoField.bytes("bub.bubc.init_cookie", "Care-of init cookie"),
	cookie = ProtoField.bytes("bub.bubc.cookie", "BUB cookie"),
	dh_number = ProtoField.uint8("bub.dh.message", "DH message", base.DEC),
	dh_version = ProtoField.uint8("bub.dh.version", "Format version", base.DEC),
	sid1 = ProtoField.bytes("bub.dh.sid1", "sid1"),
	sid2 = ProtoField.bytes("bub.dh.sid2", "sid2"),
	item = ProtoField.uint8("bub.dh.item", "Item", base.DEC, ITEMS),
	parameter = ProtoField.uint8("bub.dh.parameter", "Parameter", base.DEC),
	suite = ProtoField.uint8("bub.dh.suite", "Suite", base.DEC, SUITES),
	item_length = ProtoField.uint16("bub.dh.item_length", "Length", base.DEC),
	value = ProtoField.bytes("bub.dh.value", "Value"),
	item_identity = ProtoField.ipv6("bub.dh.identity", "Home address"),
	agents = ProtoField.uint8("bub.switch.addresses", "Home agents", base.DEC),
	agent = ProtoField.ipv6("bub.switch.agent", "Home agent"),
	options = ProtoField.bytes("bub.switch.options", "Options"),
	signature = ProtoField.bytes("bub.dh.signature", "Signature"),
	authenticator = ProtoField.bytes("bub.authenticator", "Authenticator"),
	signed_by = ProtoField.string("bub.signed_by", "Signed with"),
}
bub.fields = f

local e = {
	good = ProtoExpert.new("bub.signature.good", "The signature is good",
		expert.group.CHECKSUM, expert.severity.CHAT),
	bad = ProtoExpert.new("bub.signature.bad", "No key of the key logs made this signature",
		expert.group.CHECKSUM, expert.severity.ERROR),
	unsigned = ProtoExpert.new("bub.signature.missing",
		"BUB Complete MUST be signed (draft, 4.3)", expert.group.PROTOCOL, expert.severity.ERROR),
	no_hao = ProtoExpert.new("bub.no_hao", "MUST have a Home Address option",
		expert.group.PROTOCOL, expert.severity.ERROR),
	code = ProtoExpert.new("bub.code.wrong", "A code that this message MUST NOT have (draft, 5.1)",
		expert.group.PROTOCOL, expert.severity.ERROR),
	option = ProtoExpert.new("bub.option.length", "The BUB option has a length other than 1",
		expert.group.MALFORMED, expert.severity.WARN),
	identity = ProtoExpert.new("bub.identity.missing",
		"Do BUB in a Care-of Test Init that names no home address (docs/protocol.md, 2.3)",
		expert.group.PROTOCOL, expert.severity.NOTE),
	alternate = ProtoExpert.new("bub.alternate_care_of",
		"A Binding Update under Kabm MUST NOT have an alternate care-of address (draft, 7)",
		expert.group.PROTOCOL, expert.severity.ERROR),
	nonces = ProtoExpert.new("bub.nonce_indices",
		"A Binding Update under Kabm MUST NOT have nonce indices (draft, 7)",
		expert.group.PROTOCOL, expert.severity.ERROR),
	malformed = ProtoExpert.new("bub.malformed", "Malformed",
		expert.group.MALFORMED, expert.severity.ERROR),
}
bub.experts = e

-- Of the packet around the message.  Each may be there more than once, when there are tunnels.
local ipv6_src, ipv6_dst = Field.new("ipv6.src"), Field.new("ipv6.dst")
local udp_dst = Field.new("udp.dstport")
local hao = Field.new("ipv6.opt.mipv6.home_address")
local rh2 = Field.new("ipv6.routing.mipv6.home_address")

-- ---- Keys ---------------------------------------------------------------------------------------

-- lua-luaossl.  Without it everything but the check of signatures works.
local have_hmac, openssl_hmac = pcall(require, "openssl.hmac")

local keys = {}       -- { name, local, peer (16 octets each), octets, number }
local care_of_of = {} -- home address and sequence number: care-of address of that Binding Update
local bub_cookies = {} -- of each BUB Complete of the capture, in a list
local seen_cookie = {}
local complete = {} -- home address of the responder and care-of address that had a BUB Complete
local initiator_at = {} -- sid1: care-of address of who began the exchange

local function from_hex(text)
	return (text:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- An IPv6 address in its 16 octets.
local function packed(text)
	local head, tail = text:match("^(.-)::(.*)$")
	local function groups(part)
		local out = {}
		for group in part:gmatch("[^:]+") do
			out[#out + 1] = from_hex(("0000" .. group):sub(-4))
		end
		return out
	end
	local first, last = groups(head or text), groups(tail or "")
	local zeros = ("\0\0"):rep(8 - #first - #last)
	return table.concat(first) .. zeros .. table.concat(last)
end

local function read_keys(path)
	local file, why = io.open(path)
	if not file then
		report_failure("bub.lua: key log " .. why)
		return
	end
	for line in file:lines() do
		local name, here, peer, octets = line:match("^# bub%-key (%S+) (%S+) (%S+) (%x+)%s*$")
		if name == "Kbm" or name == "Kbm-responder" or name == "Kabm" then
			keys[#keys + 1] = {
				name = name == "Kabm" and "Kabm" or "Kbm", ends = { packed(here), packed(peer) },
				octets = from_hex(octets), number = #keys + 1,
			}
		end
	end
	file:close()
end

local read_from -- the preference that the keys were read for

local function read_all_keys()
	if read_from == bub.prefs.keys then
		return
	end
	read_from = bub.prefs.keys
	keys = {}
	for path in read_from:gmatch("[^:]+") do
		read_keys(path)
	end
	if #keys > 0 and not have_hmac then
		report_failure("bub.lua: signatures are not checked: the package lua-luaossl is missing")
	end
end

local function hmac(key, data, hash)
	return openssl_hmac.new(key, hash):final(data)
end

-- ---- What a message was sent in -----------------------------------------------------------------

local function innermost(extract)
	local all = { extract() }
	local last = all[#all]
	return last and last.range:bytes():raw()
end

local function octets_of(range)
	return range:bytes():raw()
end

-- Addresses of the packet that carries the message, in 16 octets each.
local function surroundings()
	local w = { src = innermost(ipv6_src), dst = innermost(ipv6_dst),
		hao = innermost(hao), rh2 = innermost(rh2) }
	-- In UDP on the direct path the addresses inside are what those headers would have.
	local sources, targets, ports = { ipv6_src() }, { ipv6_dst() }, { udp_dst() }
	local port = ports[#ports]
	if port and port.value == bub.prefs.udp_port and #sources > 1 then
		local src, dst = w.src, w.dst
		w.src = octets_of(sources[#sources - 1].range)
		w.dst = octets_of(targets[#targets - 1].range)
		w.hao = src ~= w.src and src or nil
		w.rh2 = dst ~= w.dst and dst or nil
	end
	w.home_src = w.hao or w.src
	w.home_dst = w.rh2 or w.dst
	return w
end

-- ---- Signatures ---------------------------------------------------------------------------------

local function names(key, address)
	return address == key.ends[1] or address == key.ends[2]
end

-- First(96, HMAC(key, care-of address | correspondent | MH data)) with the checksum as zero (RFC
-- 6275, 6.2.7).  The hash is that of the suite that gave the key: 32 octets are SHA-256.
local function authenticates(key, care_of, correspondent, mh, value)
	local hash = #key.octets == 32 and "sha256" or "sha1"
	local data = mh:sub(1, 4) .. "\0\0" .. mh:sub(7, #mh - AUTHENTICATOR_LEN)
	return hmac(key.octets, care_of .. correspondent .. data, hash):sub(1, 12) == value
end

-- Which care-of address and which correspondent an Authenticator may be over, by message.
local function candidates(kind, w, mh)
	if kind == BU then
		-- A deletion covers the home address.
		return { w.src, w.home_src }, { w.home_dst }
	elseif kind == BA then
		-- The copy through the home agents does not say which care-of address it answers.
		local asked = care_of_of[w.home_dst .. mh:sub(9, 10)]
		return { w.dst, w.home_dst, asked }, { w.home_src }
	elseif kind == COTI then
		return { w.src }, {}
	end
	return { w.dst }, {} -- CoT, BUB Complete
end

local function key_for(w, kind, mh, value)
	local cares, correspondents = candidates(kind, w, mh)
	local known = false
	-- Without the Binding Update in the capture nothing can be said of its second acknowledgement.
	local may_judge = kind ~= BA or w.rh2 or #cares == 3
	for i = #keys, 1, -1 do
		local key = keys[i]
		local homes = #correspondents > 0 and correspondents or key.ends
		if names(key, w.home_src) or names(key, w.home_dst) or #correspondents == 0 then
			known = true
			for _, care_of in pairs(cares) do
				for _, home in ipairs(homes) do
					if authenticates(key, care_of, home, mh, value) then
						return key, true
					end
				end
			end
		end
	end
	return nil, known and may_judge
end

-- Says by which key; nothing where no key of the pair is known.
local function tell_key(item, key, known)
	if key then
		item:add(f.signed_by, ("%s (key %d of the key logs)"):format(key.name, key.number))
			:set_generated()
		item:add_proto_expert_info(e.good)
	elseif known then
		item:add_proto_expert_info(e.bad)
	end
end

local function show_authenticator(tree, range, kind, w, mh)
	local item = tree:add(f.authenticator, range)
	if #keys == 0 or not have_hmac then
		return
	end
	local key, known = key_for(w, kind, mh, octets_of(range))
	tell_key(item, key, known)
	return key
end

-- Whether the BUB cookie of an exchange can be known: the BUB Complete goes straight to the care-of
-- address, and is in no capture of a home agent.
local function has_cookie(number, w, sid1)
	local to_responder = number == 1 or number == 3
	if to_responder then
		initiator_at[sid1] = w.src
	end
	local care_of = initiator_at[sid1]
	return care_of and complete[(to_responder and w.home_dst or w.home_src) .. care_of]
end

-- First(96, HMAC_SHA1(K, MH | BUB cookie)), checksum and signature as zero (draft, 4.3).
local function show_signature(tree, range, w, mh, may_judge)
	local item = tree:add(f.signature, range)
	if #keys == 0 or not have_hmac then
		return
	end
	local zeroed = mh:sub(1, 4) .. "\0\0" .. mh:sub(7, #mh - AUTHENTICATOR_LEN)
		.. ("\0"):rep(AUTHENTICATOR_LEN)
	local value, known = octets_of(range), false
	for i = #keys, 1, -1 do
		if names(keys[i], w.home_src) or names(keys[i], w.home_dst) then
			known = true
			for c = #bub_cookies, 0, -1 do
				local cookie = bub_cookies[c] or ("\0"):rep(8)
				if hmac(keys[i].octets, zeroed .. cookie, "sha1"):sub(1, 12) == value then
					return tell_key(item, keys[i], true)
				end
			end
		end
	end
	tell_key(item, nil, known and may_judge)
end

-- ---- Mobility options ---------------------------------------------------------------------------

-- Calls @visit(type, range of the whole option, range of the value) for each but padding.
local function each_option(tvb, at, visit)
	local last = tvb:len()
	while at < last do
		local kind = tvb(at, 1):uint()
		if kind == PAD1 then
			at = at + 1
		else
			if at + 2 > last or at + 2 + tvb(at + 1, 1):uint() > last then
				return false
			end
			local length = tvb(at + 1, 1):uint()
			if kind ~= PADN then
				visit(kind, tvb(at, 2 + length), length > 0 and tvb(at + 2, length) or nil)
			end
			at = at + 2 + length
		end
	end
	return true
end

local function allowed_code(kind, code)
	if kind == HOTI or kind == COTI then
		return code == 0
	end
	return (kind == HOT or kind == COT) and (code == 1 or code == 2)
end

-- The options that are this draft's, and Authenticators.  Returns what the message says in words.
local function show_options(tree, tvb, at, kind, w)
	local mh = octets_of(tvb())
	local said, signer, identity, do_bub
	local forbidden = {}
	local whole = each_option(tvb, at, function(number, range, value)
		if number == bub.prefs.option then
			if not value or value:len() ~= 1 then
				tree:add(bub, range, "BUB option"):add_proto_expert_info(e.option)
				return
			end
			local item = tree:add(f.code, value)
			said = CODES[value:uint()]
			do_bub = item
			if not allowed_code(kind, value:uint()) then
				item:add_proto_expert_info(e.code)
			end
		elseif number == IDENTIFIER and value and value:len() == 17
				and value(0, 1):uint() == IPV6_ADDRESS then
			tree:add(f.identity, value(1, 16))
			identity = true
		elseif number == bub.prefs.path_cookie and value and value:len() == 8 then
			tree:add(f.path_cookie, value)
		elseif number == bub.prefs.path_report and value and value:len() == 4 then
			tree:add(f.report_came, value(0, 1))
			tree:add(f.report_cookie, value(0, 1))
			tree:add(f.report_waited, value(0, 1))
			tree:add(f.report_port, value(2, 2))
		elseif number == AUTHORIZATION and value and value:len() == AUTHENTICATOR_LEN then
			signer = show_authenticator(tree, value, kind, w, mh) or signer
		elseif number == ALTERNATE_CARE_OF or number == NONCE_INDICES then
			forbidden[#forbidden + 1] = { number, range }
		end
	end)
	if not whole then
		tree:add_proto_expert_info(e.malformed, "An option runs over the end of the message")
	end
	if kind == COTI and do_bub and not identity then
		do_bub:add_proto_expert_info(e.identity)
	end
	if kind == BU and signer and signer.name == "Kabm" then
		for _, option in ipairs(forbidden) do
			local alternate = option[1] == ALTERNATE_CARE_OF
			tree:add(bub, option[2], alternate and "Alternate care-of address" or "Nonce indices")
				:add_proto_expert_info(alternate and e.alternate or e.nonces)
		end
	end
	return said, signer
end

-- ---- BUB Complete and the DH messages -----------------------------------------------------------

local function show_header(tree, tvb)
	tree:add(f.next, tvb(0, 1))
	tree:add(f.length, tvb(1, 1))
	tree:add(f.kind, tvb(2, 1))
	tree:add(f.checksum, tvb(4, 2))
end

local function show_bubc(tree, tvb, w)
	if tvb:len() < BUBC_OPTIONS_AT then
		tree:add_proto_expert_info(e.malformed, "Shorter than 24 octets")
		return "BUB Complete"
	end
	tree:add(f.init_cookie, tvb(8, 8))
	tree:add(f.cookie, tvb(16, 8))
	local cookie = octets_of(tvb(16, 8))
	if not seen_cookie[cookie] then
		seen_cookie[cookie] = true
		bub_cookies[#bub_cookies + 1] = cookie
	end
	complete[w.home_src .. w.dst] = true
	if not w.hao then
		tree:add_proto_expert_info(e.no_hao, "BUB Complete MUST have a Home Address option (draft, 4.3)")
	end
	local is_signed = false
	each_option(tvb, BUBC_OPTIONS_AT, function(number) is_signed = is_signed or number == AUTHORIZATION end)
	if not is_signed then
		tree:add_proto_expert_info(e.unsigned)
	end
	show_options(tree, tvb, BUBC_OPTIONS_AT, bub.prefs.mh_bubc, w)
	return "BUB Complete"
end

local function show_switch(tree, tvb)
	local n, at = tvb(6, 1):uint(), 8
	tree:add(f.agents, tvb(6, 1))
	while n > 0 and at + 16 <= tvb:len() do
		tree:add(f.agent, tvb(at, 16))
		n, at = n - 1, at + 16
	end
	if n > 0 then
		tree:add_proto_expert_info(e.malformed, "The list is longer than the message")
	elseif at < tvb:len() then
		tree:add(f.options, tvb(at))
	end
	return "Home Agent Switch"
end

-- Items that a DH message must have (docs/protocol.md, 4.2).
local NEEDED = { { 1, 2, 3 }, { 1, 3 }, { 4, 5, 6 }, { 2, 4, 5, 6 } }

local function show_item(tree, tvb, at, length)
	local kind = tvb(at, 1):uint()
	local name = ITEMS[kind] or "Unknown item"
	local sub = tree:add(bub, tvb(at, 4 + length), name)
	sub:add(f.item, tvb(at, 1))
	sub:add(kind == 3 and f.suite or f.parameter, tvb(at + 1, 1))
	sub:add(f.item_length, tvb(at + 2, 2))
	if length == 0 then
		return kind
	end
	local value = tvb(at + 4, length)
	if kind == 4 and length == 16 then
		sub:add(f.item_identity, value)
		sub:append_text(": " .. tostring(value:ipv6()))
	elseif kind == 2 then
		sub:add(f.value, value)
		for i = 1, length - 1 do
			sub:add(f.suite, value(i, 1))
		end
	else
		sub:add(f.value, value)
		if kind == 3 then
			local suite = tvb(at + 1, 1):uint()
			sub:append_text((" of suite %d: %s"):format(suite, SUITES[suite] or "unknown"))
		end
	end
	return kind
end

local function show_items(tree, tvb, number)
	local last, at, found = tvb:len() - AUTHENTICATOR_LEN, DH_ITEMS_AT, {}
	while at < last do
		local length = at + 4 <= last and tvb(at + 2, 2):uint()
		if not length or at + 4 + length > last then
			tree:add_proto_expert_info(e.malformed, "An item runs into the signature")
			return
		end
		found[show_item(tree, tvb, at, length)] = true
		at = at + 4 + length
	end
	for _, kind in ipairs(NEEDED[number]) do
		if not found[kind] then
			tree:add_proto_expert_info(e.malformed,
				("DH%d has no item of type %d (%s)"):format(number, kind, ITEMS[kind]))
		end
	end
end

local function show_dh(tree, tvb, w)
	if tvb:len() < DH_ITEMS_AT + AUTHENTICATOR_LEN then
		tree:add_proto_expert_info(e.malformed, "Shorter than 36 octets")
		return "DH message"
	end
	local number, version = tvb(6, 1):uint(), tvb(7, 1):uint()
	tree:add(f.dh_number, tvb(6, 1))
	tree:add(f.dh_version, tvb(7, 1))
	if number < 1 or number > 4 or version ~= 1 then
		tree:add_proto_expert_info(e.malformed, "Neither DH1 to DH4 nor format version 1")
		return "DH message"
	end
	tree:add(f.sid1, tvb(8, 8))
	local sid2 = tree:add(f.sid2, tvb(16, 8))
	if number == 1 and octets_of(tvb(16, 8)) ~= ("\0"):rep(8) then
		sid2:add_proto_expert_info(e.malformed, "sid2 of DH1 is not zero")
	end
	if number == 1 and not w.hao then
		tree:add_proto_expert_info(e.no_hao, "DH1 MUST have a Home Address option (draft, 6)")
	end
	show_items(tree, tvb, number)
	show_signature(tree, tvb(tvb:len() - AUTHENTICATOR_LEN), w, octets_of(tvb()),
		has_cookie(number, w, octets_of(tvb(8, 8))))
	return "DH" .. number
end

-- ---- The door -----------------------------------------------------------------------------------

local protocols = DissectorTable.get("ip.proto")
local mipv6 = protocols:get_dissector(MOBILITY)

-- The tree is made only where there is something to show.
local function has_something(tvb, at)
	local found = false
	each_option(tvb, at, function(number)
		found = found or number == bub.prefs.option or number == bub.prefs.path_cookie
			or number == bub.prefs.path_report or number == AUTHORIZATION
	end)
	return found
end

local function of_rfc6275(tvb, pinfo, tree, kind, w)
	local used = mipv6:call(tvb, pinfo, tree)
	local at = OPTIONS_AT[kind]
	if not at or tvb:len() < at then
		return used
	end
	if kind == BU and w.home_src then
		care_of_of[w.home_src .. octets_of(tvb(6, 2))] = w.src
	end
	if not has_something(tvb, at) then
		return used
	end
	local sub = tree:add(bub, tvb())
	local said, signer = show_options(sub, tvb, at, kind, w)
	local word = said or (signer and "under " .. signer.name)
	if word then
		sub:append_text((": %s, %s"):format(NAMES[kind], word))
		sub:add(f.message, NAMES[kind] .. ", " .. word):set_generated()
		pinfo.cols.info:append(", " .. word)
	end
	return used
end

function bub.dissector(tvb, pinfo, tree)
	read_all_keys()
	if tvb:len() < 8 then
		return mipv6:call(tvb, pinfo, tree)
	end
	local kind, w = tvb(2, 1):uint(), surroundings()
	if kind ~= bub.prefs.mh_bubc and kind ~= bub.prefs.mh_dh and kind ~= HA_SWITCH then
		return of_rfc6275(tvb, pinfo, tree, kind, w)
	end
	local length = 8 + 8 * tvb(1, 1):uint()
	local sub = tree:add(bub, tvb())
	show_header(sub, tvb)
	local name
	if length > tvb:len() then
		sub:add_proto_expert_info(e.malformed, "The header is longer than the packet")
		name = kind == bub.prefs.mh_bubc and "BUB Complete" or kind == HA_SWITCH and "Home Agent Switch"
			or "DH message"
	else
		local whole = tvb(0, length):tvb()
		local show = kind == bub.prefs.mh_bubc and show_bubc or kind == HA_SWITCH and show_switch or show_dh
		name = show(sub, whole, w)
	end
	sub:append_text(": " .. name)
	sub:add(f.message, name):set_generated()
	pinfo.cols.protocol = kind == HA_SWITCH and "MIPv6" or "BUB"
	pinfo.cols.info = name
	return tvb:len()
end

local udp_ports, registered = DissectorTable.get("udp.port"), nil

-- A new capture: nothing of the last one counts.
function bub.init()
	if registered ~= bub.prefs.udp_port then
		if registered then
			udp_ports:remove(registered, Dissector.get("ipv6"))
		end
		registered = bub.prefs.udp_port
		udp_ports:add(registered, Dissector.get("ipv6"))
	end
	care_of_of, bub_cookies, seen_cookie, complete, initiator_at = {}, {}, {}, {}, {}
	read_from = nil
end

protocols:add(MOBILITY, bub)

-- What has no ESP outside goes in UDP from and to IPv4, and where a network drops ESP (RFC 5555, 4.1).
DissectorTable.get("udp.port"):add(MESSAGES_PORT, Dissector.get("ipv6"))
