-- A limit of messages for each room as a whole, as community modules have it: one
-- in room_message_interval seconds, three at once. What is beyond it is bounced.
local st = require "util.stanza";
local throttle = require "util.throttle";

local interval = module:get_option_number("room_message_interval", 1);

module:hook("muc-occupant-groupchat", function (event)
	if not event.stanza:get_child("body") then return; end
	local room = event.room;
	if not room.message_limit then
		room.message_limit = throttle.create(3, 3 * interval);
	end
	if room.message_limit:poll(1) then return; end
	event.origin.send(st.error_reply(event.stanza, "wait", "policy-violation", "The room is overactive, try again later"));
	return true;
end, 1000);
