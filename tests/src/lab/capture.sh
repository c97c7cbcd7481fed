# Prints what tcpdump sees on device $1 in direction $2 (in, out) of filter $3 while script $4 runs.
set -eu
log=/run/capture.$$
tcpdump --interface "$1" --direction "$2" --immediate-mode -l -n -e "$3" 2>"$log" &
tcpdump=$!
trap 'kill $tcpdump' EXIT
until grep -q 'listening on' "$log"; do
    kill -0 $tcpdump || { cat "$log" >&2; exit 1; }
    sleep 0.02
done
sh -c "$4" >&2
sleep 0.2 # for the last packet to be printed
trap - EXIT
kill -INT $tcpdump
wait $tcpdump
rm "$log"
