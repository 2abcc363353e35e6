"""The shell scripts that run on hosts. POSIX sh; values come as arguments, ``$1`` is libvirt's URI.

virsh says the same of a domain that is not there and of one that it could not look up; only a list that came
whole is proof that a domain is gone.
"""

from __future__ import annotations

_COMMON = r"""
v() { virsh -q -c "$uri" "$@" </dev/null; }
uri=$1 name=$2
# Print nothing and succeed when the domain is gone; fail when libvirt does not answer.
state() {
    v domstate --reason "$name" 2>/dev/null && return
    names=$(v list --all --uuid --name) || return
    printf '%s\n' "$names" | tr -s ' \t' '\n' | grep -qxF -e "$name" || return 0
    v domstate --reason "$name"
}
"""

STATE = _COMMON + "state\n"
"""``NAME``: print the domain's state and reason, nothing when it is gone."""

CANCEL = (
    _COMMON
    + r"""
said=$(v destroy "$name" 2>&1)
now=$(state) || exit
case $now in
    '') exit 0 ;;
    'shut off'*) v undefine --keep-nvram --managed-save "$name" && exit 0 ;;
    *) printf '%s\n' "$said" "the guest is $now" >&2 ;;
esac
exit 1
"""
)
"""``NAME``: end the domain and forget it."""

CREATE = r"""
virsh -q -c "$1" create /dev/stdin >/dev/null || exit
rm -f -- "$2/checkpoint" "$2/checkpoint.part"
"""
"""``FOLDER``, input: a domain: start it; the memory of an earlier life goes, it fits the disks no more."""

SAVE = (
    _COMMON
    + r"""
file=$3
rm -f -- "$file" "$file.part" || exit
if v save "$name" "$file.part" >/dev/null && mv -f -- "$file.part" "$file"; then exit 0; fi
# Only where the guest goes on: libvirt may have lost virsh, and still be writing.
case $(state) in running*) rm -f -- "$file.part" ;; esac
exit 1
"""
)
"""``NAME FILE``: write the guest's memory to FILE, complete or not at all."""

FINISH_SAVE = (
    _COMMON
    + r"""
file=$3
# libvirt marks an image as complete with its last write.
if v save-image-dumpxml "$file.part" >/dev/null 2>&1; then mv -f -- "$file.part" "$file" || exit; fi
v save-image-dumpxml "$file" >/dev/null
"""
)
"""``NAME FILE``: the guest is gone: succeed when all of its memory is in FILE."""

BOOT_ID = r"""cat /proc/sys/kernel/random/boot_id && virsh -q -c "$1" capabilities </dev/null"""
"""Print which start of the host this is, then what its libvirt can do."""

PROBE = r"""
uri=$1
v() { virsh -q -c "$uri" "$@"; }
image=$(mktemp /var/tmp/one-kvm-probe.XXXXXX) || exit
trap 'v destroy one-kvm-probe >/dev/null 2>&1; rm -f -- "$image"' EXIT
trap 'exit 1' HUP INT TERM
cat >"$image" && chmod 644 "$image" || exit
v destroy one-kvm-probe >/dev/null 2>&1
v create /dev/stdin >/dev/null <<END || exit
<domain type='kvm'>
  <name>one-kvm-probe</name><memory unit='MiB'>16</memory><vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type><boot dev='fd'/></os>
  <on_crash>preserve</on_crash>
  <devices>
    <disk type='file' device='floppy'>
      <driver name='qemu' type='raw'/><source file='$image'/><target dev='fda'/><readonly/>
    </disk>
    <controller type='usb' model='none'/><memballoon model='none'/><panic model='isa'/>
  </devices>
</domain>
END
step=0
while [ $step -lt 40 ]; do
    now=$(v domstate --reason one-kvm-probe) || exit
    case $now in running*) ;; *) break ;; esac
    sleep 0.2
    step=$((step + 1))
done
printf '%s\n' "$now"
"""
"""Input: a boot sector. Start it under KVM and print the state in which it ends up, 8 seconds at most."""
