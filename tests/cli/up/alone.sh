# Runs a command as if on a machine of its own: with its own network, processes, /run and disks of guests.
# Arguments: a folder for all that, then the command. Needs root.
set -eu
folder=$1
shift
mount --make-rprivate /
mkdir -p "$folder/sys" "$folder/one" "$folder/libvirt" "$folder/cache" /var/lib/one /var/lib/libvirt /var/cache/libvirt
mount -t proc proc /proc
# A fresh view of this network's interfaces, with the control groups that libvirt wants.
mount -t sysfs sysfs "$folder/sys"
if [ -d /sys/fs/cgroup ]; then mount --rbind /sys/fs/cgroup "$folder/sys/fs/cgroup"; fi
mount --move "$folder/sys" /sys
mount -t tmpfs tmpfs /run
mkdir -p /run/lock
mount --bind "$folder/one" /var/lib/one
mount --bind "$folder/libvirt" /var/lib/libvirt
mount --bind "$folder/cache" /var/cache/libvirt
chmod 755 "$folder" "$folder/one" "$folder/libvirt" "$folder/cache"
ip link set lo up
exec "$@"
