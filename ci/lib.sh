# shellcheck shell=bash
# Common words of the scripts in ci/. Sourced, never run.

# What the scripts tell goes to stdout, what went wrong to stderr: "engine: text".
me=$(basename "$0")
say() { printf '%s: %s\n' "$me" "$*"; }
warn() { printf '%s: %s\n' "$me" "$*" >&2; }

# die CODE MESSAGE [WHAT TO DO]
die() {
  local code=$1
  warn "$2"
  [ $# -lt 3 ] || printf '  -> %s\n' "$3" >&2
  exit "$code"
}

have() { command -v "$1" >/dev/null 2>&1; }

is_root() { [ "$(id -u)" = 0 ]; }

# Debian or one of its children (Ubuntu, Mint, ...), where apt-get is at home.
is_debian() {
  have apt-get && [ -r /etc/os-release ] &&
    (. /etc/os-release && case " ${ID:-} ${ID_LIKE:-} " in *" debian "* | *" ubuntu "*) ;; *) exit 1 ;; esac)
}

home_dir() {
  local home=${HOME:-}
  [ -n "$home" ] || home=$(getent passwd "$(id -u)" | cut -d: -f6)
  printf '%s\n' "$home"
}

cache_dir() { printf '%s/devlab\n' "${XDG_CACHE_HOME:-$(home_dir)/.cache}"; }

# Some paths of root (dockerd, debootstrap, iptables) are not on everybody's PATH.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

# apt_known PACKAGE: apt could install it
apt_known() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | grep '^  Candidate: [^(]' >/dev/null; }

# apt_install LOG PACKAGE...: quietly, without questions; the package lists are
# fetched only when they are missing or too old to be of use.
apt_install() {
  local log=$1
  shift
  export DEBIAN_FRONTEND=noninteractive
  local get=(apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
  say "installing from the distribution's packages: $*"
  if "${get[@]}" install --no-install-recommends "$@" >>"$log" 2>&1 </dev/null; then
    return 0
  fi
  say "the package lists are missing or old: apt-get update"
  "${get[@]}" update >>"$log" 2>&1 </dev/null || true
  "${get[@]}" install --no-install-recommends "$@" >>"$log" 2>&1 </dev/null
}

# macOS has no timeout; there the commands end by themselves.
have timeout || timeout() { shift && "$@"; }
