#!/bin/sh
# Installs what the testbed needs on Debian and Ubuntu, as root: Prosody with its
# community modules, ejabberd, jabberd2 with mu-conference, Java and Maven (for Kafka
# and Vysper), OpenLDAP, two proxies, openssl, and systemd and man for the test of the
# package. Only what is missing, without starting the daemons: the testbed runs
# servers of its own.
set -eu

missing=""
need() { # command, package
	PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need prosody prosody
[ -d /usr/lib/prosody/modules/mod_firewall ] || missing="$missing prosody-modules"
need ejabberdctl ejabberd
need jabberd2-router jabberd2
need mu-conference jabber-muc
need sqlite3 sqlite3
need slapd slapd
need tinyproxy tinyproxy-bin
need microsocks microsocks
need openssl openssl
need java default-jdk-headless
need mvn maven
need systemd-analyze systemd
need man man-db

if [ -z "$missing" ]; then
	echo "testbed: all is there"
	exit 0
fi

# Debian starts daemons on installation unless this file forbids it. One that
# exists is the administrator's, and stays in charge.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update
# shellcheck disable=SC2086 # a list of packages
apt-get install -y --no-install-recommends $missing
