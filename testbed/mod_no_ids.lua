-- Rooms without ids, as some old services and gateways are: what they show, live and
-- as history, has neither the id of its sender nor one of their own.
module:hook("muc-broadcast-message", function (event)
	local stanza = event.stanza;
	stanza.attr.id = nil;
	stanza:maptags(function (tag)
		if tag.name ~= "origin-id" and tag.name ~= "stanza-id" then return tag; end
	end);
end, 1000);
