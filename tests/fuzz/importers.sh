# Called by bin/fuzz importers [--seconds N | --runs N] [--target=NAME] [options of python -m readers]: fuzz
# readers of sources, names, templates, data, manifests, states. PYTHON has nlucompress and what its tests need.
PYTHONPATH="$PWD:$PWD/tests/fuzz${PYTHONPATH:+:$PYTHONPATH}" exec nice -n 15 "${PYTHON:-python3}" -m readers importers "$@"
