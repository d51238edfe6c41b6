/* prices: what an answer costs, from a file of per-token prices.
 *
 * The file is one JSON object, model name to prices, with the key names of LiteLLM's
 * model_prices_and_context_window.json, so that that file can be used as it is:
 * input_cost_per_token, output_cost_per_token, output_cost_per_reasoning_token,
 * cache_read_input_token_cost, cache_creation_input_token_cost (and "_above_1hr"), max_output_tokens,
 * input_cost_per_token_batches and output_cost_per_token_batches, and the prices of long prompts
 * ("_above_128k_tokens", "_above_200k_tokens" and the like). Of our own are price_per_hour, watts and
 * price_per_kwh, for models on this machine. US dollars. What is unknown is NaN, never 0.
 */
#ifndef FT_API_PRICES_H
#define FT_API_PRICES_H

#include "../base/buf.h"
#include "../base/err.h"

struct dialect_usage;
struct prices;

/* NULL with the reason. */
struct prices *prices_load(const char *path, struct err *e);
void prices_free(struct prices *p);

/* Says at which address the models are asked: the file names some providers' models with the
 * provider before them ("groq/..."), and such a name is looked for first. p may be NULL. */
void prices_provider(struct prices *p, const char *url);

/* Whether both prices of the model are known. p may be NULL. */
int prices_known(struct prices *p, const char *model);

/* Cost of an answer with this usage, asked for in a batch or at once: what the server states, else
 * by the file; NaN where neither says it (the model, that price or the usage is not known, its counts
 * contradict each other). */
double prices_cost(struct prices *p, const char *model, int batch, const struct dialect_usage *u);

/* Most that an answer can cost: every prompt token at the dearest input price. NaN where
 * unknown. */
double prices_worst(struct prices *p, const char *model, double prompt, double completion);

/* Dollars for a second of this machine, where the model (or else "local") has in the file
 * price_per_hour, or watts and price_per_kwh; NaN where it has neither. p may be NULL. */
double prices_second(struct prices *p, const char *model);

/* Whether the file knows the model as one that takes a temperature: it is there, and not as one that
 * reasons (supports_reasoning). p may be NULL. */
int prices_temperature(struct prices *p, const char *model);

/* Most tokens that the model ever answers; 0 unknown. */
long long prices_max_output(struct prices *p, const char *model);

#endif
