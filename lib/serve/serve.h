/* lib/serve: the production end: calls passed on to APIs or answered by local models, written down
 * as records, routed by weight, shadowed by candidates.
 *
 * serve: the event loop.
 */
#ifndef FT_SERVE_SERVE_H
#define FT_SERVE_SERVE_H

#endif
