package setup

import (
	"fmt"
	"slices"
	"strconv"
)

// setting is a field of the room's form as it has to be (XEP-0045, section
// 15.5.3). Services of later standards have more fields.
type setting struct {
	field, value string
	secret       bool // not to be shown
	asked        bool // by a flag or a setting: to go without would not do
	least        bool // a higher number will do as well
}

type settings []setting

func (s *setting) String() string {
	if s.secret {
		return s.field + " set"
	}
	return fmt.Sprintf("%s=%q", s.field, s.value)
}

// The fields that say whether the room keeps an archive (XEP-0313), by Prosody
// and by ejabberd. muc#roomconfig_enablelogging is not one of them: it may
// publish what is said.
func archives() []string {
	return []string{"muc#roomconfig_enablearchiving", "muc#roomconfig_mam", "mam"}
}

// wanted is what the operator asks for, as far as the form has it.
func (j *job) wanted(f *form) (settings, error) {
	list := settings{{field: "muc#roomconfig_persistentroom", value: "1"}}
	if j.RoomName != "" {
		list = append(list, setting{field: "muc#roomconfig_roomname", value: j.RoomName, asked: true})
	}
	if j.Description != "" {
		list = append(list, setting{field: "muc#roomconfig_roomdesc", value: j.Description, asked: true})
	}
	if j.MembersOnly {
		list = append(list, setting{field: "muc#roomconfig_membersonly", value: "1", asked: true})
	}
	if password := j.Worker.RoomPassword; !password.IsZero() {
		list = append(list, setting{field: "muc#roomconfig_roomsecret", value: password.Reveal(), secret: true})
	}
	for _, s := range list {
		if f.get(s.field) == nil {
			return nil, fmt.Errorf("the server does not offer %s to this account", s.field)
		}
	}
	if !j.Worker.RoomPassword.IsZero() { // Prosody needs no word for it
		list = append(list, setting{field: "muc#roomconfig_passwordprotectedroom", value: "1", asked: true})
	}
	return append(list, j.history(f)...), nil
}

// history is what lengthens the history and switches the archive on, where the owner may decide.
func (j *job) history(f *form) settings {
	var list settings
	const length = "muc#roomconfig_historylength"
	if f.get(length) != nil {
		list = append(list, setting{field: length, value: strconv.Itoa(j.Worker.History()), least: true})
	} else {
		j.note("the server decides how long the room's history is: it must be %d messages (XMPP_MAX_IN_FLIGHT) or more, or there must be an archive", j.Worker.MaxInFlight)
	}
	for _, name := range archives() {
		if f.get(name) != nil {
			return append(list, setting{field: name, value: "1"})
		}
	}
	j.note("the server offers no archive (XEP-0313): when it restarts, the room may lose its history")
	return list
}

// fill changes the form where it is not as it has to be, and says where.
func (list settings) fill(f *form) (changes []string) {
	for _, s := range list {
		if one := f.get(s.field); one != nil && !s.holds(one) {
			one.Values = []string{s.value}
			changes = append(changes, s.String())
		}
	}
	return changes
}

// visible leaves out what a server may rightly hide.
func (list settings) visible() settings {
	return slices.DeleteFunc(slices.Clone(list), func(s setting) bool { return s.secret })
}

// asked is what the operator asked for, as far as the server shows it.
func (list settings) asked() settings {
	return slices.DeleteFunc(list.visible(), func(s setting) bool { return !s.asked })
}

func (s *setting) holds(f *field) bool {
	if s.least {
		now, err := strconv.Atoi(f.value())
		least, _ := strconv.Atoi(s.value) // it is our own
		return err == nil && now >= least
	}
	return f.is(s.value)
}
