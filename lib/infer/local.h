/* lib/infer: a local model answers and scores: decoding, KV cache, sampling, batches of answers,
 * the backend that ft-prompt and ft-judge see (local).
 *
 * local: a model on this machine behind the interface of prompt/backend.h.
 *
 * Requests are rendered by the model's chat template and tokenized when they are submitted,
 * answered by infer/generator.h. Without a temperature answers are greedy. The random numbers of an
 * answer come from the seed (0 where none was given), the sample, the attempt and the prompt's
 * tokens.
 */
#ifndef FT_INFER_LOCAL_H
#define FT_INFER_LOCAL_H

#include "../prompt/backend.h"

backend_open_local local_open;

#endif
