# How both layers of third-party packages are built. Each folder holds a link to this
# file, so that `sam build` sees a change of it as a change of the layer.
#
#   LAYER_PLATFORM   unset: this machine (the laptop cloud). x86_64 or aarch64: what
#                    Lambda runs (manylinux2014 wheels, whatever this machine is).
#   ZEROTRIP_UV      path of uv, which is quicker; without it, pip does the same.
#   ZEROTRIP_PYTHON  a Python 3.11; bytecode is of its version.
#   LEFT_OUT         set by each Makefile: packages, joined by |, not installed.

SHELL := /bin/sh -eu
PYTHON := $(or $(ZEROTRIP_PYTHON),python3.11)
TARGET = $(ARTIFACTS_DIR)/python

# uv copies (--link-mode): a file is changed afterwards, and a link would change its
# cache.
FLAGS := --quiet --no-deps --require-hashes --only-binary :all: --target
ifeq ($(LAYER_PLATFORM),)
UV_PLATFORM :=
PIP_PLATFORM :=
else
UV_PLATFORM := --python-platform $(LAYER_PLATFORM)-manylinux2014 --python-version 3.11
PIP_PLATFORM := --implementation cp --python-version 3.11 \
  --platform manylinux2014_$(LAYER_PLATFORM) --platform manylinux_2_17_$(LAYER_PLATFORM)
endif

define INSTALL
awk '/^[A-Za-z]/ { kept = $$0 !~ /^($(LEFT_OUT))==/ } kept' requirements.txt > kept.txt
if [ -n "$${ZEROTRIP_UV:-}" ]; then \
  "$$ZEROTRIP_UV" pip install --link-mode copy --python $(PYTHON) $(UV_PLATFORM) \
    $(FLAGS) "$(TARGET)" -r kept.txt; \
else \
  $(PYTHON) -m pip install --disable-pip-version-check --no-compile $(PIP_PLATFORM) \
    $(FLAGS) "$(TARGET)" -r kept.txt; \
fi
endef

# Licences stay. Bytecode is by hash and unchecked: unpacking gives files new times, and
# it must still hold.
define TIDY
find "$(TARGET)" \( -name '*.pyi' -o -name '*.pyx' -o -name '*.h' -o -name '*.c' \) -delete
find "$(TARGET)" -path '*.dist-info/*' -type f ! -name METADATA ! -iname '*licen*' \
  ! -iname '*notice*' ! -iname 'copying*' -delete
find "$(TARGET)" -type d -empty -delete
$(PYTHON) -m compileall -q -j 0 --invalidation-mode unchecked-hash \
  -s "$(ARTIFACTS_DIR)" -p /opt "$(TARGET)"
endef
