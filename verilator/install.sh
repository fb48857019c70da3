#!/bin/sh
# Installs what is missing of the named tools from the distribution's packages,
# and says so. Each name is both the command and the package.
set -eu
missing=
for tool in "$@"; do
  command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
  echo "install.sh:$missing: not found, and there is no apt-get to install it; use your distribution's packages" >&2
  exit 2
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
  sudo=sudo
fi
echo "installing$missing from the distribution's packages"
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of names
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq $missing >/dev/null
