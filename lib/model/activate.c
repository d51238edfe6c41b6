/* See activate.h. */
#include "activate.h"

void model_activate(const struct config *c, const struct nn_kern *k, float *h, const float *gate,
		    const float *up, size_t n)
{
	switch (c->act) {
	case CONFIG_SWIGLU:
		k->swiglu(h, gate, up, n);
		break;
	case CONFIG_GEGLU:
		k->geglu(h, gate, up, n);
		break;
	case CONFIG_GELU:
		k->gelu(h, up, n);
		break;
	case CONFIG_RELU2:
		k->relu2(h, up, n);
		break;
	case CONFIG_CLAMPED:
		k->clamped(h, gate, up, c->act_limit, n);
		break;
	}
}

void model_activate_back(const struct config *c, const struct nn_kern *k, float *dgate, float *dup,
			 const float *dh, const float *gate, const float *up, size_t n)
{
	switch (c->act) {
	case CONFIG_SWIGLU:
		k->swiglu_back(dgate, dup, dh, gate, up, n);
		break;
	case CONFIG_GEGLU:
		k->geglu_back(dgate, dup, dh, gate, up, n);
		break;
	case CONFIG_GELU:
		k->gelu_back(dup, dh, up, n);
		break;
	case CONFIG_RELU2:
		k->relu2_back(dup, dh, up, n);
		break;
	case CONFIG_CLAMPED:
		k->clamped_back(dgate, dup, dh, gate, up, c->act_limit, n);
		break;
	}
}
