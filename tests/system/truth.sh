#!/bin/bash
# The stated resolution covers the truth: the short form of ci/truth. The machine may be busy; a resolution must say so itself.
# Alone: what it measures would suffer from a drill beside it.
set -u
exec "$DRILL_BUILD/tests/truth" --count 32 --seed 2026 --longest 2500 --parallel 8
