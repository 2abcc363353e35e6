"""The shell scripts of which a copy is made. POSIX sh, GNU find and coreutils; values come as arguments."""

from __future__ import annotations

# What is below a folder: type, size or link target, path; NUL after each. No sizes of folders: those differ
# between file systems.
_LIST = r"""find . -mindepth 1 \( -type f -printf 'f %s %P\0' -o -type l -printf 'l %l %P\0' \
    -o -type d -printf 'd %P\0' -o -printf '? %P\0' \) | LC_ALL=C sort -z; printf 'folder\0'"""
_LIST_FILE = r"-type f -printf 'file %s\0'"

MEASURE = (
    r"""path=$(readlink -e -- "$1") || { echo "no such file or folder" >&2; exit 66; }
printf '%s\n' "$path"
du -s -B1 -- "$path" | cut -f1
if [ -d "$path" ]; then cd -- "$path" || exit 77; """
    + _LIST
    + r"""; else find "$path" """
    + _LIST_FILE
    + "; fi\n"
)
"""``PATH``: print where it really lies, the bytes that it takes on disk, and the list."""

PREPARE = r"""umask 066
mkdir -p -- "$1" && cd -- "$1" || exit 73
rm -rf -- ./."$2".part-*
free=$(df --output=avail -B1 . | tail -n 1)
if [ "$free" -lt "$4" ]; then
    echo "no room in $1: $4 bytes are needed, $free are free" >&2
    exit 73
fi
umask 077 && mkdir -- "./$3"
"""
"""``FOLDER NAME PART BYTES``: remove what earlier attempts left, see that there is room, make a temporary."""

ARRIVED = (
    r"""cd -- "$1" || exit 66
[ "$(ls -A)" = "$2" ] || { echo "something else arrived than $2" >&2; exit 65; }
if [ -d "$2" ] && [ ! -L "$2" ]; then cd -- "./$2" || exit 77; """
    + _LIST
    + r"""; else find "./$2" """
    + _LIST_FILE
    + "; fi\n"
)
"""``PART NAME``: print the list of what arrived."""

SETTLE = r"""cd -- "$1" || exit 66
find "./$3" -type f -exec sync -- {} + || exit 74
if [ -d "./$2" ] && [ ! -L "./$2" ]; then
    mkdir -- "./$3-old" && mv -T -- "./$2" "./$3-old/$2" || exit 73
fi
mv -f -T -- "./$3/$4" "./$2" && sync -- . || exit 73
rm -rf -- "./$3" "./$3-old"
"""
"""``FOLDER NAME PART ARRIVED-NAME``: flush, and give the copy its name; an older folder goes."""

WRITE = r"""umask 066
mkdir -p -- "$1" && cd -- "$1" && umask 077 || exit 73
rm -rf -- ./."$2".part-*
cat >"./$3" && [ "$(wc -c <"./$3")" -eq "$4" ] || {
    echo "not all of $2 arrived" >&2
    rm -f -- "./$3"
    exit 74
}
sync -- "./$3" && mv -f -T -- "./$3" "./$2" && sync -- . || { rm -f -- "./$3"; exit 74; }
"""
"""``FOLDER NAME PART BYTES``: write the input to a file, flush, and give it its name.

Input that is cut off, because the caller was lost or has given up, ends like any other; hence its length.
"""
