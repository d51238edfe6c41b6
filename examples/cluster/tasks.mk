# The tasks 0 to LAST of WHAT as goals of make.
.PHONY: all
all: $(addprefix task-,$(shell seq 0 $(LAST)))
task-%:
	./task $(WHAT) $*
