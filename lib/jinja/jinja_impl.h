/* What the files of jinja share with each other; nobody else includes this. Names begin with j.
 *
 *	jinja_lex.c	template text into tokens, white space control done
 *	jinja_parse.c	tokens into a tree: statements; jinja_expression.c: expressions; both over
 *			jinja_cursor.c (jinja_parse.h)
 *	jinja_value.c	values: making, comparing, printing, JSON in and out
 *	jinja_run.c	walks the statements; compiling and rendering
 *	jinja_eval.c	walks the expressions
 *	jinja_operate.c	what expressions do to values: indexes, slices, arithmetic, comparing
 *	jinja_scope.c	a rendering's budget and variables
 *	jinja_filter.c	finds filters, which stand in jinja_filter_text.c and jinja_filter_list.c
 *			(jinja_filter.h)
 *	jinja_test.c	tests
 *	jinja_call.c	global functions and the methods of strings, lists and mappings
 */
#ifndef FT_JINJA_JINJA_IMPL_H
#define FT_JINJA_JINJA_IMPL_H

#include "../base/arena.h"
#include "jinja.h"

#define JINJA_NODES_MAX 200000 /* nodes in a compiled template */
#define JINJA_NEST_MAX 100     /* nesting of expressions, and of blocks, in a template */
#define JINJA_DEPTH_MAX 1000   /* nesting of evaluation (macros that call themselves) */

/* --- values --- */

enum jkind {
	J_UNDEFINED,
	J_NONE,
	J_BOOL,
	J_INT,
	J_FLOAT,
	J_STRING,
	J_LIST,
	J_DICT,
	J_NAMESPACE,
	J_LOOP,
	J_MACRO,
	J_FUNCTION
};

struct jv {
	enum jkind kind;
	int tuple; /* lists: printed with round brackets */
	/* strings: went through `safe`, so that what + adds to them is HTML-escaped (markupsafe) */
	int safe;
	union {
		int b;
		int64_t i;
		struct {
			double f;
			/* digits as written where a double cannot hold them, or NULL */
			const char *raw;
		};
		struct span s; /* strings; of J_UNDEFINED: what was looked up, for messages */
		struct jlist *list;
		struct jdict *dict; /* J_DICT, J_NAMESPACE */
		struct jloop *loop;
		struct jmacro *macro;
		int function;
	};
};

struct jlist {
	struct jv *v;
	size_t n, cap;
};
struct jentry {
	struct jv key, value;
};
struct jdict {
	struct jentry *v;
	size_t n, cap;
};
struct jloop {
	struct jlist *items;
	size_t index; /* from 0 */
	int depth;
	int has_last; /* loop.changed() */
	struct jv last;
};
struct jmacro {
	const struct jnode *node; /* N_MACRO or N_CALL_BLOCK */
	struct jscope *scope;	  /* where it was defined */
	struct jv caller;	  /* of the call block being run, or undefined */
};

/* --- tree --- */

enum jnode_kind {
	/* expressions */
	N_LITERAL,
	N_NAME,
	N_LIST,
	N_DICT,
	N_ATTR,
	N_INDEX,
	N_SLICE,
	N_CALL,
	N_FILTER,
	N_TEST,
	N_NOT,
	N_NEG,
	N_POS,
	N_AND,
	N_OR,
	N_BINARY,
	N_COMPARE,
	N_TERNARY,
	/* statements */
	N_TEXT,
	N_OUTPUT,
	N_IF,
	N_FOR,
	N_SET,
	N_SET_BLOCK,
	N_MACRO,
	N_CALL_BLOCK,
	N_FILTER_BLOCK,
	N_WITH,
	N_BREAK,
	N_CONTINUE,
	N_GENERATION,
};

enum jop {
	OP_ADD,
	OP_SUB,
	OP_MUL,
	OP_DIV,
	OP_FLOOR,
	OP_MOD,
	OP_POW,
	OP_CONCAT,
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_IN,
	OP_NOT_IN
};

struct jarg {
	/* of a keyword argument or of a macro's parameter; absent for positional ones */
	struct span name;
	struct jnode *value; /* macro parameters: the default or NULL */
};

/* Meaning of the parts by kind:
 *	N_NAME name; N_LIST list; N_DICT list (key, value, key, ...); N_ATTR a.name; N_INDEX a[b];
 *	N_SLICE a[list 0:1:2, NULL absent]
 *	N_CALL a(args); N_FILTER a|name(args); N_TEST a is name(args), op 1: is not;
 *	N_BINARY a op b; N_COMPARE a then list with ops
 *	N_TERNARY a if b else c (c NULL: undefined)
 *	N_TEXT value; N_OUTPUT a; N_IF list of (condition, N_LIST body) ..., the last condition NULL
 *	for else
 *	N_FOR targets in a if b: body list, c the else body (N_LIST); N_SET targets = a;
 *	N_SET_BLOCK targets, body list, a: chain of filters over a NULL placeholder;
 *	N_MACRO name(args) body list; N_CALL_BLOCK a: the call, args: its parameters, body list
 *	N_FILTER_BLOCK a: filters, body list; N_WITH args, body list; N_GENERATION body list */
struct jnode {
	enum jnode_kind kind;
	int line;
	enum jop op;
	int negate;
	int tuple;
	struct span name;
	struct jnode *a, *b, *c;
	struct jnode **list;
	size_t n;
	unsigned char *ops; /* N_COMPARE: [n] enum jop */
	struct jarg *args;
	size_t nargs;
	struct jnode **targets; /* N_NAME or N_ATTR */
	size_t ntargets;
	int unpack; /* the targets take a value apart */
	struct jv value;
};

struct jname {
	struct span name;
	struct jname *next;
};

struct jinja {
	struct arena arena;
	const char *name;
	struct jname *reads; /* every name in an expression, some more than once */
	struct jnode *root;  /* N_LIST of statements */
};

/* --- tokens --- */

enum jtoken_kind {
	T_TEXT,
	T_VAR_BEGIN,
	T_VAR_END,
	T_BLOCK_BEGIN,
	T_BLOCK_END,
	T_NAME,
	T_STRING,
	T_INT,
	T_FLOAT,
	T_OP,
	T_END
};
struct jtoken {
	enum jtoken_kind kind;
	int line;
	struct span s; /* text, name, decoded string, operator */
	int64_t i;
	double f;
};
struct jtokens {
	struct jtoken *v;
	size_t n, cap;
};
int jinja_lex(struct jinja *t, struct span source, struct jtokens *out, struct err *e);
int jinja_parse(struct jinja *t, const struct jtokens *tokens, struct err *e);

/* --- running --- */

struct jscope {
	struct jscope *up;
	struct jentry *v;
	size_t n, cap;
};

struct jrun {
	const struct jinja *t;
	struct arena arena;
	struct jinja_limits limits;
	uint64_t steps;
	int depth, loops;
	int line; /* of the node being evaluated */
	int64_t now;
	struct buf *out;
	struct buf *main_out;
	size_t main_start;
	struct jinja_marks *marks;
	struct err *e;
};

/* Arguments of a call, evaluated. */
struct jcall {
	struct jv *v;
	size_t n;
	struct span *names; /* absent for positional ones, which come first */
	size_t positional;
};

/* All int functions return 0, or -1 with the reason (with the template's name and line) in r->e. */

/* jinja_scope.c */
int jfail(struct jrun *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int jcharge(struct jrun *r, uint64_t steps); /* fails when the budget is spent */
/* Where a text stands in s, or NULL, charged by what the search costs; beyond the budget it is nowhere, and the next
 * charge fails. */
const char *jfind(struct jrun *r, struct span s, struct span what);
int jenter(struct jrun *r); /* one nesting deeper; r->depth-- on the way out */
struct jscope *jscope_new(struct jrun *r, struct jscope *up); /* NULL with the reason */
/* here or further up; NULL where unknown */
struct jv *jscope_find(struct jrun *r, struct jscope *s, struct span name);
/* here, whatever stands further up */
int jscope_set(struct jrun *r, struct jscope *s, struct span name, struct jv value);

/* jinja_value.c */
struct jv jv_undefined(struct span name);
struct jv jv_none(void);
struct jv jv_bool(int b);
struct jv jv_int(int64_t i);
struct jv jv_float(double f);
struct jv jv_string(struct span s);				      /* borrowed */
int jv_text(struct jrun *r, const char *s, size_t n, struct jv *out); /* copied */
int jv_buf(struct jrun *r, struct buf *b, struct jv *out);	      /* copied, b released */
int jv_list(struct jrun *r, struct jv *out);
int jv_push(struct jrun *r, struct jlist *l, struct jv v);
int jv_dict(struct jrun *r, struct jv *out);
int jv_put(struct jrun *r, struct jdict *d, struct jv key, struct jv value);
struct jv *jv_get(struct jrun *r, struct jdict *d, struct jv key); /* NULL where absent */
const char *jv_type(const struct jv *v); /* Python's name of the type, for messages */
int jv_true(const struct jv *v);
int jv_equal(struct jrun *r, const struct jv *a, const struct jv *b);
int jv_number(const struct jv *v, double *x); /* 1 where v is a number or boolean */
/* *sign: -1, 0, 1; fails on types that have no order. */
int jv_compare(struct jrun *r, const struct jv *a, const struct jv *b, int *sign);
int jv_contains(struct jrun *r, const struct jv *item, const struct jv *in, int *yes);
/* As Python's str() and repr() print it. */
int jv_print(struct jrun *r, const struct jv *v, struct buf *b);
int jv_repr(struct jrun *r, const struct jv *v, struct buf *b, int depth);
int jv_json(struct jrun *r, const struct jv *v, struct buf *b, int indent, int level, int sort,
	    int ascii, const char *comma, const char *colon);
int jv_from_json(struct jrun *r, struct span json, int depth, struct jv *out);
/* A list of what iterating over v gives: elements, keys, characters. */
int jv_items(struct jrun *r, const struct jv *v, struct jlist **out);
size_t jv_chars(struct span s); /* code points */
/* The part [from, to) of s counted in code points. */
struct span jv_substring(struct span s, size_t from, size_t to);

/* jinja_run.c */
/* Statements in order with the output caught, until one breaks off: 0, 1 after {% break %}, 2 after
 * {% continue %}, -1. */
int jcaptured(struct jrun *r, struct jscope *s, struct jnode *const *list, size_t n,
	      struct jv *out);

/* jinja_eval.c */
int jeval(struct jrun *r, struct jscope *s, const struct jnode *n, struct jv *out);
/* n's arguments, evaluated. */
int jarguments(struct jrun *r, struct jscope *s, const struct jnode *n, struct jcall *c);
/* An N_CALL; caller: what {% call %} hands to the macro, or NULL. */
int jcall_node(struct jrun *r, struct jscope *s, const struct jnode *n, const struct jv *caller,
	       struct jv *out);
/* The argument at a position or of a name; NULL where not given. */
const struct jv *jcall_arg(const struct jcall *c, size_t at, const char *name);

/* jinja_operate.c */
/* v.name, undefined where absent */
int jattr(struct jrun *r, const struct jv *v, struct span name, struct jv *out);
int jindex(struct jrun *r, const struct jv *v, const struct jv *key, struct jv *out);
/* v[a:b:c]; a part left out is none */
int jslice(struct jrun *r, const struct jv *v, const struct jv part[3], struct jv *out);
int jconcat(struct jrun *r, const struct jv *a, const struct jv *b, struct jv *out); /* a ~ b */
int jarithmetic(struct jrun *r, enum jop op, const struct jv *a, const struct jv *b,
		struct jv *out);
/* fails beyond 64 bits */
int jintegers(struct jrun *r, enum jop op, int64_t a, int64_t b, struct jv *out);
int jcompare(struct jrun *r, enum jop op, const struct jv *a, const struct jv *b, int *yes);

/* jinja_filter.c, jinja_test.c */
void jescape(struct span s, struct buf *b); /* HTML */
int jfilter(struct jrun *r, struct span name, const struct jv *v, const struct jcall *c,
	    struct jv *out);
int jtest(struct jrun *r, struct span name, const struct jv *v, const struct jcall *c, int *yes);
int jfilter_known(struct span name);
int jtest_known(struct span name);

/* jinja_call.c */
/* The number of a global function, or -1. */
int jfunction_find(struct span name);
int jfunction(struct jrun *r, int function, const struct jcall *c, struct jv *out);
/* v.name(args); *found 0 where v has no such method. */
int jmethod(struct jrun *r, const struct jv *v, struct span name, const struct jcall *c,
	    struct jv *out, int *found);
/* Python's % */
int jformat(struct jrun *r, struct span fmt, const struct jv *args, size_t n, struct buf *b);

#endif
