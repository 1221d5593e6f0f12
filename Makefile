# make demo: set up, build a codec from the bundled recordings, measure it, print the path of its report.
# make test: set up, run the tests.

PYTHON ?= python3
READY = .venv/ready

.PHONY: demo test clean

demo: $(READY)
	.venv/bin/telucodec build examples/speech --out demo --minutes 1

test: $(READY)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n auto

$(READY): pyproject.toml requirements.lock scripts/install.py
	$(PYTHON) scripts/install.py
	touch $(READY)

clean:
	rm -rf .venv demo
