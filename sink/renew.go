package sink

import "fmt"

// Renew takes passwords and authorities that have changed, for the connections from
// now on; the present one stays. The address, the room and the key of message ids
// stay, too: they need another Room.
func (r *Room) Renew(cfg Config) error {
	cfg = cfg.Prepared()
	if _, err := cfg.Account(); err != nil {
		return fmt.Errorf("take new settings: %w", err)
	}
	r.renewal.Store(&cfg)
	return nil
}

// renew takes what has been renewed since the last connection. Nothing else uses
// the settings then.
func (r *Room) renew() {
	next := r.renewal.Swap(nil)
	if next == nil {
		return
	}
	cfg := r.cfg
	cfg.Password, cfg.RoomPassword, cfg.CAFile = next.Password, next.RoomPassword, next.CAFile
	account, err := cfg.Account()
	if err != nil {
		r.log.Error("new passwords or authorities are not used", "error", err)
		return
	}
	r.cfg, r.account = cfg, account
	for _, option := range r.options {
		option(r)
	}
}
