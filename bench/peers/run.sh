#!/bin/sh
# Puts the tools into a scratch folder (PEERS_SCRATCH), measures them side by side and prints a table.
# Arguments go to the measuring program: ./run.sh -tools loadrig,k6 -rounds 1
# All traffic stays on 127.0.0.1. Nothing is installed outside of the folder; Tsung and Locust have to be there:
#   apt-get install tsung python3-locust python3-websocket
set -eu
cd "$(dirname "$0")"
scratch=${PEERS_SCRATCH:-${TMPDIR:-/tmp}/loadrig-peers}
mkdir -p "$scratch"

(cd ../.. && CGO_ENABLED=0 go build -trimpath -o "$scratch/loadrig" ./cmd/loadrig)
if [ ! -x "$scratch/k6" ]; then
	(cd "$scratch" && GOFLAGS=-mod=mod GOBIN=$scratch go install go.k6.io/k6@v1.8.1)
fi
if [ ! -d "$scratch/artillery/node_modules/artillery" ]; then
	# Artillery brings Playwright, which would fetch a browser that no WebSocket test needs; and it wants Node.js 22.
	mkdir -p "$scratch/artillery"
	PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --prefix "$scratch/artillery" --no-audit --no-fund artillery@2.0.34 node@22
fi
for tool in tsung locust; do
	command -v $tool >/dev/null || { echo "$tool is not there; apt-get install tsung python3-locust python3-websocket" >&2; exit 1; }
done

go build -o "$scratch/peers" .

# Erlang starts a name server that stays; it is ended again unless it was there before.
before=$(pgrep -x epmd || true)
cleanup() {
	for pid in $(pgrep -x epmd || true); do # by id: one of before stays
		case " $before " in *"$pid"*) ;; *) kill "$pid" ;; esac
	done
}
trap cleanup EXIT
nice -n 5 "$scratch/peers" -scratch "$scratch" "$@"
