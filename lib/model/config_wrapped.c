/* Text models inside multimodal ones: their own config.json out of the outer one's. */
#include <stdio.h>
#include <string.h>
#include "../json/record.h"
#include "config_impl.h"

/* type: of the outer model; text: of the text model where text_config does not say or says a name
 * that only stands there. */
static const struct {
	const char *type, *text;
} wrappers[] = {
	{"gemma3", "gemma3_text"}, {"mistral3", "mistral"},    {"qwen2_vl", "qwen2"},
	{"qwen2_5_vl", "qwen2"},   {"qwen2_vl_text", "qwen2"}, {"qwen2_5_vl_text", "qwen2"},
	{"qwen3_vl", "qwen3"},	   {"qwen3_vl_text", "qwen3"}, {"qwen3_5", "qwen3_5_text"},
};

static const char *text_type(struct span type)
{
	for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
		if (json_is(type, wrappers[i].type))
			return wrappers[i].text;
	return NULL;
}

/* What text_config leaves to the model around it. */
static const char *const shared[] = {"bos_token_id",	   "eos_token_id", "pad_token_id",
				     "torch_dtype",	   "dtype",	   "tie_word_embeddings",
				     "quantization_config"};
#define SHARED (sizeof shared / sizeof *shared)

int config_unwrap(struct config *c, struct span j, struct buf *text, struct err *e)
{
	struct span type = json_member(j, "model_type"), inner = json_member(j, "text_config"),
		    scaling;
	const char *name = text_type(type);
	struct record r = {0};
	struct buf model_type = BUF_INIT, class = BUF_INIT, outer = BUF_INIT;
	struct edit edits[SHARED + 4];
	const struct family *f;
	size_t n = 0;
	int rc = -1;

	if (!name)
		return 0;
	if (json_string(type, &outer))
		goto cleanup;
	snprintf(c->wrapper, sizeof c->wrapper, "%s", outer.data);
	if (json_kind(inner) == JSON_OBJECT) {
		struct span own = json_member(inner, "model_type");

		buf_clear(&outer);
		if (text_type(own))
			name = text_type(own);
		else if (json_string(own, &outer) == 0)
			name = outer.data;
		for (size_t i = 0; i < SHARED; i++)
			if (config_absent(json_member(inner, shared[i])) &&
			    !config_absent(json_member(j, shared[i])))
				edits[n++] = (struct edit){shared[i], json_member(j, shared[i])};
	} else if (config_absent(inner) && !config_absent(json_member(j, "hidden_size"))) {
		inner = j; /* the first files of Qwen's */
	} else {
		err_set(e, config_absent(inner) ? "text_config is missing"
						: "text_config must be an object");
		goto cleanup;
	}
	f = family_find((struct span){name, strlen(name)});
	if (!f) {
		err_set(e, "text_config: model_type %.60s is not supported", name);
		goto cleanup;
	}
	buf_addf(&model_type, "\"%s\"", f->type);
	buf_addf(&class, "[\"%s\"]", f->class);
	edits[n++] = (struct edit){"model_type", buf_span(&model_type)};
	edits[n++] = (struct edit){"architectures", buf_span(&class)};
	/* Of a text all three positions of mrope are the one it has. */
	scaling = json_member(inner, "rope_scaling");
	if (json_is(json_member(scaling, "type"), "mrope") ||
	    json_is(json_member(scaling, "rope_type"), "mrope"))
		edits[n++] = (struct edit){"rope_scaling", span_of("null")};
	if (inner.s == j.s)
		edits[n++] = (struct edit){"vision_config", {0}};
	if (record_parse(&r, inner, e))
		goto cleanup;
	if (record_splice(&r, edits, n, text)) {
		err_set(e, "text_config is too large");
		goto cleanup;
	}
	rc = 1;
cleanup:
	record_release(&r);
	buf_release(&model_type);
	buf_release(&class);
	buf_release(&outer);
	return rc;
}
