/* A kind that makes a function, the square of a picture, which keeps the contract, or breaks it in one way that is
 * chosen with -D. */
#include "fixture.h"

#if defined(WRONG_GRADIENT)
#define SLOPE 3.0f
#else
#define SLOPE 2.0f
#endif

static const int64_t picture_dims[] = { -1, -1, -1, 3 };
#if defined(WRONG_SHAPE)
static const int64_t square_dims[] = { -1, -1, -1, 4 };
#else
static const int64_t square_dims[] = { -1, -1, -1, 3 };
#endif
static const dw_tensor_spec picture = { sizeof(dw_tensor_spec), 4, picture_dims, { 2, 32, 1 }, 0, TEXT("image"), TEXT("") };
static const dw_tensor_spec square = { sizeof(dw_tensor_spec), 4, square_dims, { 2, 32, 1 }, 0, TEXT("square"),
                                       TEXT("weight=1") };
static const dw_tensor_spec *const takes[] = { &picture };
static const dw_tensor_spec *const gives[] = { &square };
static const dw_fn_desc description = { sizeof(dw_fn_desc), DW_FN_REENTRANT | DW_FN_DETERMINISTIC, TEXT("FEATURES"),
                                        TEXT("square"), 1, 1, takes, gives, 1 };

typedef struct { dw_fn base; int references; } function;
typedef struct { dw_tape base; dw_owned x; } square_tape;

/* Calls do not come from several threads here. */
static void retain(dw_fn *fn) { ((function *)fn)->references++; }
static void release(dw_fn *fn) {
  if (--((function *)fn)->references == 0) free(fn);
}
static const dw_fn_desc *describe(dw_fn *fn) {
  (void)fn;
  return &description;
}

static dw_owned copy_of(const DLTensor *t) {
  dw_owned made = new_tensor(t->ndim, t->shape);
  if (made) memcpy(samples_of(&made->dl_tensor), samples_of(t), (size_t)count_of(t->ndim, t->shape) * sizeof(float));
  return made;
}

static void tape_release(dw_tape *tape) {
  dw_owned x = ((square_tape *)tape)->x;
  x->deleter(x);
  free(tape);
}

/* Views come dense from hosts that are tested here. */
static dw_status tape_vjp(dw_tape *tape, const dw_call *call, const dw_view *gy, dw_owned *gx) {
  const DLTensor *x = &((square_tape *)tape)->x->dl_tensor;
  int64_t count = count_of(x->ndim, x->shape);
  if (!gy[0]) return DW_OK; /* zero: NULL says so */
  if (!is_tensor(gy[0], 4) || count_of(4, gy[0]->shape) != count)
    return refuse(call, DW_E_SHAPE, "", "the cotangent has another shape than the output");
  gx[0] = copy_of(gy[0]);
  if (!gx[0]) return DW_E_NOMEM;
  for (int64_t i = 0; i < count; i++) samples_of(&gx[0]->dl_tensor)[i] *= SLOPE * samples_of(x)[i];
  return DW_OK;
}

static uint64_t tape_bytes(dw_tape *tape) {
  const DLTensor *x = &((square_tape *)tape)->x->dl_tensor;
  return (uint64_t)count_of(x->ndim, x->shape) * sizeof(float);
}
static const dw_tape_vt tape_functions = { sizeof(dw_tape_vt), 0, tape_release, tape_vjp, tape_bytes };

static dw_status eval(dw_fn *fn, const dw_call *call, const dw_view *x, dw_owned *y, uint64_t wrt, dw_tape **tape) {
  (void)fn;
  if (!is_tensor(x[0], 4) || x[0]->shape[3] != 3)
    return refuse(call, DW_E_SHAPE, "image", "`image` must be a float32 picture [B,H,W,3]");
  dw_owned made = copy_of(x[0]);
  square_tape *kept = NULL;
  if (made && tape && (wrt & 1)) {
    kept = malloc(sizeof *kept);
    if (kept) kept->base.vt = &tape_functions, kept->x = copy_of(x[0]);
  }
  if (!made) return DW_E_NOMEM;
  for (int64_t i = 0, n = count_of(4, x[0]->shape); i < n; i++)
    samples_of(&made->dl_tensor)[i] *= samples_of(&made->dl_tensor)[i];
  y[0] = made;
  if (kept) *tape = &kept->base;
  return DW_OK;
}

static const dw_fn_vt functions = { sizeof(dw_fn_vt), 0, retain, release, describe, eval, NULL, NULL };

static dw_status run(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)call, (void)params, (void)in;
  function *made = malloc(sizeof *made);
  if (!made) return DW_E_NOMEM;
  made->base.vt = &functions;
  made->references = 1;
  out[0].kind = DW_FUNCTION;
  out[0].u.fn = &made->base;
  return DW_OK;
}

static const dw_port features = { sizeof(dw_port), 0, TEXT("FEATURES"), TEXT("the square"), TEXT("FEATURES") };
static const dw_port *const outputs[] = { &features };
PLUGIN("Square", DW_KIND_PURE, 0, NULL, 1, outputs, run, NULL);
