#!/bin/sh
# A real systemd as the first process of namespaces of its own, with nothing but empty targets: no unit of this machine
# runs. Run by: unshare --mount --pid --cgroup --uts --ipc --fork sh boot-systemd.sh <checkout> <folder of the runtime>
# What it covers by file systems in memory: /run /tmp /opt /home /var/lib /etc/systemd/system.
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /opt
mkdir /opt/source /opt/runtime
mount --bind "$1" /opt/source
mount --bind "$2" /opt/runtime
for folder in /run /tmp /home /var/lib /etc/systemd/system; do mount -t tmpfs -o mode=755 tmpfs "$folder"; done
chmod 1777 /tmp
mount -t proc proc /proc
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p /run/targets /run/lock
for target in sysinit basic shutdown multi-user network-online rescue emergency; do
  printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' "$target" >"/run/targets/$target.target"
done
export container=test SYSTEMD_UNIT_PATH=/etc/systemd/system:/run/targets
exec /usr/lib/systemd/systemd --system --unit=multi-user.target --log-target=console --log-level=info --show-status=no
