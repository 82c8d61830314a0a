-- Rooms whose archive stores what it receives, without ids, as those of gateways to other
-- networks do: the first message with a text is stored, and lost on its way to all.
local st = require "util.stanza";
local archive = module:open_store("muc_log", "archive");
local seen = {};

module:hook("muc-occupant-groupchat", function (event)
	local text = event.stanza:get_child_text("body");
	if not text or seen[text] then return; end
	seen[text] = true;
	local stored = st.clone(event.stanza);
	stored.attr.from, stored.attr.to, stored.attr.id = event.occupant.nick, nil, nil;
	archive:append(event.room.jid:match("^[^@]+"), nil, stored, os.time(), "message<groupchat");
	return true;
end, 1000);
