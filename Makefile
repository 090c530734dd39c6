# 零跑腿 ZeroTrip: the front door. `make help` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= python3.11
# The machine's own certificate store, so that it works behind a company's proxy.
export UV_NATIVE_TLS := 1
export UV_NO_PROGRESS := 1
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export SAM_CLI_TELEMETRY := 0
export PYTHONPATH := layers/zerotrip/python:.

UV := .local/uv/bin/uv
PY := .venv/bin/python
READY := .venv/.installed .local/emulator/.installed .local/sam/.installed \
  .local/audit/.installed
CODE := bench functions infra layers/zerotrip tests
PYTEST_OPTIONS ?= -n 2 --dist loadfile

##@ 开始 · Start
.PHONY: help install up demo down reset where
help: ## 列出所有命令 · list all targets
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(READY) ## 安装依赖到 .venv 和 .local · install into .venv and .local

demo: $(READY) ## 三个事项各办一件 · run one case of each item, end to end
	@$(PY) -m infra.local.demo

up: $(READY) ## 启动本机云并部署 · start the laptop cloud and deploy
	@$(PY) -m infra.local.commands up

down: $(READY) ## 停止本机云，保留数据 · stop it, keep its state
	@$(PY) -m infra.local.commands down

reset: $(READY) ## 停止并清除本机云数据 · stop it and forget its state
	@$(PY) -m infra.local.commands reset

where: $(READY) ## 打印接口地址 · print the API's address, for scripts
	@$(PY) -m infra.local.commands where

##@ 检查 · Check
.PHONY: test check catalogue-check lint types format audit judges verify verify-long fuzz simulate mutants bench contracts load cost
test: lint types ## 全部检查，与 CI 相同 · everything that CI runs
	$(PY) -m pytest $(PYTEST_OPTIONS)

check: test ## 同 test · the same as test

verify: $(READY) ## 更长的验证，结果写入 docs/evidence · longer proofs, under 40 minutes
	@$(PY) -m tests.simulation --size full --evidence
	@$(PY) -m tests.simulation --size tenth --seeds 20 --evidence
	$(PY) -m pytest -m verify -v tests

verify-long: $(READY) ## 全部验证，约两小时 · everything, about two hours
	@$(PY) -m tests.simulation --size full --evidence
	@$(PY) -m tests.simulation --size tenth --seeds 100 --evidence
	@$(PY) -m tests.simulation.mutants --evidence
	$(PY) -m pytest -m "verify or verify_long" -v tests

simulate: $(READY) ## 模拟：SEED=1 [SCENARIO=…] [SIZE=full|tenth|slice] · faults under a seed
	@$(PY) -m tests.simulation $(SCENARIO) --seed $(or $(SEED),1) --seeds $(or $(SEEDS),1) \
	  --size $(or $(SIZE),full) --evidence

fuzz: $(READY) ## 一万个模糊请求 [REQUESTS=… SEED=…] · fuzzed requests, about 15 minutes
	@$(PY) -m tests.fuzz --requests $(or $(REQUESTS),10000) --seed $(or $(SEED),1)

mutants: $(READY) ## 反向验证：每个变异都须被发现 · negative controls, each caught
	@$(PY) -m tests.simulation.mutants $(ARGS)

bench: $(READY) ## 测量：冷启动、单件用时与调用 · cold starts, one case and its calls
	@$(PY) -m bench

load: $(READY) ## 报名周末 [SCALE=50] · the enrolment weekend, about 15 minutes
	@$(PY) -m bench.load $(if $(SCALE),--scale $(SCALE))

cost: $(READY) ## 每千件的费用、闲置费用、上限 · USD per 1,000 cases, idle, ceiling
	@$(PY) -m bench.cost

contracts: $(READY) ## 重新生成 events/ 与生命周期图 · OpenAPI, event schemas, lifecycle
	@$(PY) -m zerotrip.web.openapi
	@$(PY) -m zerotrip.runtime.schemas
	@$(PY) -m zerotrip.cases.diagram

catalogue-check: $(READY) ## 检查事项文件 [ARGS="FOLDER"] · every item beside all others
	@$(PY) -m zerotrip.catalogue.commands check $(ARGS)

lint: $(READY) ## 代码、分层、模板、密钥 · code, layering, templates, secrets
	.venv/bin/ruff check $(CODE)
	.venv/bin/ruff format --check $(CODE)
	.venv/bin/lint-imports
	.venv/bin/cfn-lint infra/stacks/*.yaml
	.local/sam/bin/sam validate --lint --template template.yaml
	.local/audit/bin/checkov -f template.yaml infra/stacks/*.yaml
	$(PY) -m infra.checks.secrets

types: $(READY) ## 严格类型检查 · strict types
	.venv/bin/mypy
	.venv/bin/mypy --strict infra/checks/*.py infra/local/*.py bench/*.py

audit: $(READY) ## 查询依赖的已知漏洞 [ARGS="--osv-url …"] · ask about known vulnerabilities
	@$(PY) -m infra.checks.audit $(ARGS)

format: $(READY) ## 整理代码格式 · format the code
	.venv/bin/ruff check --fix-only --quiet $(CODE)
	.venv/bin/ruff format $(CODE)

judges: ## 第三方核验签名（需 poppler、certutil）· pdfsig judges the demo's licences
	tests/judges/pdfsig.sh --root .local/cloud/demo/roots.pem .local/cloud/demo/*.pdf

##@ 运行 · Operate
.PHONY: publish offer officers redrive republish check-archive refunds logs
publish: $(READY) ## 发布 catalogue/ 中的事项 · publish the items of catalogue/
	@$(PY) -m infra.local.commands publish

officers: $(READY) ## 机构与工作人员 ARGS="list" · organisations and officers
	@$(PY) -m infra.local.commands officers $(ARGS)

offer: $(READY) ## 事项送审、审核、发布 FOLDER=catalogue/… [ON=2026-12-01 UNTIL=submit]
	@test -n "$(FOLDER)" || { echo "用法 · usage: make offer FOLDER=catalogue/…"; exit 2; }
	@$(PY) -m infra.local.offering $(FOLDER) $(if $(ON),--on $(ON)) \
	  $(if $(UNTIL),--until $(UNTIL))

redrive: $(READY) ## 把死信放回队列 QUEUE=approve [STAGE=…] · put dead letters back
	@test -n "$(QUEUE)" || { echo "用法 · usage: make redrive QUEUE=approve"; exit 2; }
	@$(PY) -m infra.local.redrive $(QUEUE) --stage $(or $(STAGE),local)

republish: $(READY) ## 重新发布事件 FROM=2026-11-20 TO=… [STAGE=…] · publish again
	@test -n "$(FROM)" && test -n "$(TO)" || { \
	  echo "用法 · usage: make republish FROM=2026-11-20 TO=2026-11-21"; exit 2; }
	@$(PY) -m infra.local.republish $(FROM) $(TO) --stage $(or $(STAGE),local)

check-archive: $(READY) ## 核对数据表与归档 [FROM= TO= STAGE=…] · table against archive
	@$(PY) -m infra.local.check_archive $(if $(FROM),--from $(FROM)) \
	  $(if $(TO),--to $(TO)) --stage $(or $(STAGE),local)

refunds: $(READY) ## 应退与待核对的款项 [STAGE=… TENANT=…] · money to pay back or look into
	@$(PY) -m infra.local.refunds --stage $(or $(STAGE),local) \
	  $(if $(TENANT),--tenant $(TENANT))

logs: $(READY) ## 查看日志 [STEP=approve MINUTES=15] · what the functions logged
	@$(PY) -m infra.local.commands logs $(if $(STEP),--step $(STEP)) \
	  --minutes $(or $(MINUTES),15)

# ── what `install` does; a stamp per environment, so that a second run costs nothing ──
.local/uv/.installed: requirements/uv.txt
	@command -v $(PYTHON) >/dev/null || { \
	  echo "✗ 需要 Python 3.11 · Python 3.11 is needed ($(PYTHON) not found)"; exit 1; }
	@echo "  正在安装 uv · installing uv"
	@test -x .local/uv/bin/pip || $(PYTHON) -m venv .local/uv
	@.local/uv/bin/pip install --quiet --require-hashes -r $<
	@touch $@

.venv/.installed: requirements/development.txt .local/uv/.installed
	@echo "  正在安装开发环境 · installing the development environment"
	@test -x .venv/bin/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --require-hashes --python .venv/bin/python $<
	@touch $@

# Bytecode is compiled ahead: every function worker runs on the emulator's packages.
.local/emulator/.installed: requirements/emulator.txt .local/uv/.installed
	@echo "  正在安装本机云 · installing the laptop cloud"
	@test -x .local/emulator/bin/python || \
	  $(UV) venv --quiet --python $(PYTHON) .local/emulator
	@$(UV) pip sync --quiet --require-hashes --compile-bytecode \
	  --python .local/emulator/bin/python $<
	@touch $@

# Its own environment: checkov pins half of what the product uses.
.local/audit/.installed: requirements/audit.txt .local/uv/.installed
	@echo "  正在安装检查工具 · installing the template and dependency checks"
	@test -x .local/audit/bin/python || $(UV) venv --quiet --python $(PYTHON) .local/audit
	@$(UV) pip sync --quiet --require-hashes --compile-bytecode \
	  --python .local/audit/bin/python $<
	@touch $@

.local/sam/.installed: requirements/sam.txt .local/uv/.installed
	@echo "  正在安装 SAM · installing SAM"
	@test -x .local/sam/bin/python || $(UV) venv --quiet --python $(PYTHON) .local/sam
	@$(UV) pip sync --quiet --require-hashes --compile-bytecode \
	  --python .local/sam/bin/python $<
	@touch $@
