cd /tmp/h31p
for m in "$@"; do
PYTHONPATH=$PWD timeout 400 nice .venv/bin/pytest -q -n 2 -p no:cacheprovider $m -k "eventbridgev2" --durations=6 > .log.$(basename $m .py) 2>&1
done
