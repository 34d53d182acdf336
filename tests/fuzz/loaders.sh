# Called by bin/fuzz loaders [--seconds N | --runs N] [--target=NAME] [options of python -m readers]: fuzz
# nlucompress.load, bundles and ModelStore. PYTHON has nlucompress and what its tests need.
PYTHONPATH="$PWD:$PWD/tests:$PWD/tests/fuzz${PYTHONPATH:+:$PYTHONPATH}" exec nice -n 15 "${PYTHON:-python3}" -m readers loaders "$@"
