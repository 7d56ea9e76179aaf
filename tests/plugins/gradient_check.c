/* A consumer of functions in plain C: takes FEATURES over a wire and an IMAGE, and compares the gradient that comes back
 * through the ABI with a finite difference. f(x) = sum over all outputs of y^2 / 2, so the cotangent of y is y itself.
 * AscentCheck compares what another plugin made of the same function: `moved` is `image` plus the gradient of the sum over
 * all outputs of mean(y^2), as one step of GradientAscent gives it. LatentCheck does the same with a latent, of which a
 * GENERATOR makes the picture.
 *
 * Publishes gradient.txt: `<analytic> <numeric>`, and of GradientCheck also `<ms per forward> <ms per forward with vjp>`. */
#define _POSIX_C_SOURCE 199309L
#include "fixture.h"
#include <math.h>
#include <stdio.h>
#include <time.h>

#define MAX_OUTPUTS 16
#define MAX_INPUTS 32
static const double step = 1e-3; /* a quarter of an 8-bit level */
/* Of a latent's length: so far uphill the difference is thousands of times what float32 rounds away, and it takes ten
 * times as much before the kinks of the networks are felt. */
static const double latent_step = 2e-3;

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static const float *data_of(const DLTensor *t) { return (const float *)((const char *)t->data + t->byte_offset); }

static int64_t count(const DLTensor *t) {
  int64_t n = 1;
  for (int32_t i = 0; i < t->ndim; i++) n *= t->shape[i];
  return n;
}

static void drop(dw_owned *tensors, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (tensors[i] && tensors[i]->deleter) tensors[i]->deleter(tensors[i]);
}

typedef enum { HALF_SUM, MEAN } norm;

/* *value = f(x); with a gradient asked (of HALF_SUM only) also *gradient = df/dx, owned by the caller. */
static dw_status evaluate(dw_fn *fn, const dw_call *call, const DLTensor *x, norm of, double *value, dw_owned *gradient) {
  uint32_t n = fn->vt->describe(fn)->n_out;
  if (n == 0 || n > MAX_OUTPUTS) return DW_E_ARG;
  dw_owned y[MAX_OUTPUTS] = { NULL };
  dw_view gy[MAX_OUTPUTS];
  dw_tape *tape = NULL;
  dw_status status = fn->vt->eval(fn, call, &x, y, gradient ? 1 : 0, gradient ? &tape : NULL);
  if (status != DW_OK) return status;
  *value = 0;
  for (uint32_t i = 0; i < n; i++) {
    const float *samples = data_of(&y[i]->dl_tensor);
    int64_t size = count(&y[i]->dl_tensor);
    double scale = of == MEAN ? 1.0 / (double)size : 0.5;
    for (int64_t k = 0; k < size; k++) *value += scale * (double)samples[k] * (double)samples[k];
    gy[i] = &y[i]->dl_tensor;
  }
  if (gradient) status = tape ? tape->vt->vjp(tape, call, gy, gradient) : DW_E_NOT_DIFF;
  if (tape) tape->vt->release(tape);
  drop(y, n);
  return status;
}

/* From x to the features: straight from a picture (generator NULL), or from a latent through its picture. */
typedef struct { dw_fn *generator, *features; } path;

/* The picture of a latent. The noise planes, which are optional inputs and come last, are left out. */
static dw_status draw(dw_fn *generator, const dw_call *call, const DLTensor *w, dw_owned *picture) {
  const dw_fn_desc *described = generator->vt->describe(generator);
  dw_view x[MAX_INPUTS] = { w };
  if (described->n_in == 0 || described->n_in > MAX_INPUTS || described->n_out != 1) return DW_E_ARG;
  return generator->vt->eval(generator, call, x, picture, 0, NULL);
}

static dw_status value_of(path of_x, const dw_call *call, const DLTensor *x, norm of, double *value) {
  if (!of_x.generator) return evaluate(of_x.features, call, x, of, value, NULL);
  dw_owned picture = NULL;
  dw_status status = draw(of_x.generator, call, x, &picture);
  if (status == DW_OK) status = evaluate(of_x.features, call, &picture->dl_tensor, of, value, NULL);
  drop(&picture, 1);
  return status;
}

/* `x` moved by `by` along `direction`. */
static dw_status moved(path of_x, const dw_call *call, const DLTensor *x, norm of, const double *direction, double by,
                       double *value) {
  int64_t n = count(x);
  float *samples = malloc((size_t)n * sizeof(float));
  if (!samples) return DW_E_NOMEM;
  for (int64_t i = 0; i < n; i++) samples[i] = (float)((double)data_of(x)[i] + by * direction[i]);
  DLTensor there = *x;
  there.data = samples;
  there.byte_offset = 0;
  dw_status status = value_of(of_x, call, &there, of, value);
  free(samples);
  return status;
}

/* Mostly uphill, so that the difference stands out of the rounding of float32, and a little of every direction. */
static double *direction_of(const float *gradient, int64_t n) {
  double *direction = malloc((size_t)n * sizeof(double)), largest = 1e-30;
  uint32_t random = 1;
  if (!direction) return NULL;
  for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)gradient[i]));
  for (int64_t i = 0; i < n; i++) {
    random = random * 1664525u + 1013904223u;
    direction[i] = (double)gradient[i] / largest + 0.25 * ((double)random / 4294967296.0 - 0.5);
  }
  return direction;
}

/* How far along `direction` x is moved. */
static double step_of(path of_x, const DLTensor *x, const double *direction) {
  if (!of_x.generator) return step;
  double of_latent = 0, of_direction = 0;
  for (int64_t i = 0; i < count(x); i++) {
    of_latent += (double)data_of(x)[i] * (double)data_of(x)[i];
    of_direction += direction[i] * direction[i];
  }
  return latent_step * sqrt(of_latent / of_direction);
}

static dw_status check(dw_fn *fn, const dw_call *call, const DLTensor *x, char *report, size_t room) {
  path of_x = { NULL, fn };
  double value, plus, minus, analytic = 0, start = seconds();
  dw_owned gradient = NULL;
  dw_status status = evaluate(fn, call, x, HALF_SUM, &value, &gradient);
  double with_vjp = seconds() - start;
  if (status != DW_OK) return status;
  if (!gradient) return DW_E_NOT_DIFF;
  const float *g = data_of(&gradient->dl_tensor);
  int64_t n = count(&gradient->dl_tensor);
  double *direction = n == count(x) ? direction_of(g, n) : NULL;
  if (!direction) return DW_E_SHAPE;
  for (int64_t i = 0; i < n; i++) analytic += (double)g[i] * direction[i];
  start = seconds();
  status = moved(of_x, call, x, HALF_SUM, direction, step, &plus);
  double forward = seconds() - start;
  if (status == DW_OK) status = moved(of_x, call, x, HALF_SUM, direction, -step, &minus);
  if (status == DW_OK)
    snprintf(report, room, "%.9g %.9g %.3f %.3f\n", analytic, (plus - minus) / (2 * step), 1e3 * forward, 1e3 * with_vjp);
  free(direction);
  drop(&gradient, 1);
  return status;
}

/* The same with the gradient that brought `x` to `there`. */
static dw_status check_ascent(path of_x, const dw_call *call, const DLTensor *x, const DLTensor *there, char *report,
                              size_t room) {
  double plus = 0, minus = 0, analytic = 0, by = 0;
  int64_t n = count(x);
  if (count(there) != n) return DW_E_SHAPE;
  float *gradient = malloc((size_t)n * sizeof(float));
  if (!gradient) return DW_E_NOMEM;
  for (int64_t i = 0; i < n; i++) gradient[i] = data_of(there)[i] - data_of(x)[i];
  double *direction = direction_of(gradient, n);
  dw_status status = direction ? DW_OK : DW_E_NOMEM;
  for (int64_t i = 0; direction && i < n; i++) analytic += (double)gradient[i] * direction[i];
  if (status == DW_OK) by = step_of(of_x, x, direction);
  if (status == DW_OK) status = moved(of_x, call, x, MEAN, direction, by, &plus);
  if (status == DW_OK) status = moved(of_x, call, x, MEAN, direction, -by, &minus);
  if (status == DW_OK) snprintf(report, room, "%.9g %.9g\n", analytic, (plus - minus) / (2 * by));
  free(direction);
  free(gradient);
  return status;
}

static dw_status publish(const dw_call *call, char *report) {
  int64_t length = 0, one = 1;
  while (report[length]) length++;
  DLTensor bytes = { report, { 1, 0 }, 1, { 1, 8, 1 }, &length, &one, 0 };
  dw_str name = TEXT("gradient.txt"), media_type = TEXT("text/plain"), final_name = TEXT("");
  return call->publish(call, name, &bytes, media_type, &final_name);
}

static dw_status run(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)params, (void)out;
  char report[200] = "";
  dw_status status = check(in[1].u.fn, call, &in[0].u.t->dl_tensor, report, sizeof report);
  return status == DW_OK ? publish(call, report) : status;
}

static dw_status run_path(path of_x, const dw_call *call, const dw_value *x, const dw_value *there) {
  char report[200] = "";
  dw_status status = check_ascent(of_x, call, &x->u.t->dl_tensor, &there->u.t->dl_tensor, report, sizeof report);
  return status == DW_OK ? publish(call, report) : status;
}

static dw_status run_ascent(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)params, (void)out;
  path of_image = { NULL, in[1].u.fn };
  return run_path(of_image, call, &in[0], &in[2]);
}

static dw_status run_latent(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)params, (void)out;
  path of_latent = { in[1].u.fn, in[2].u.fn };
  return run_path(of_latent, call, &in[0], &in[3]);
}

static void destroy(dw_node *node) { (void)node; }
static const dw_node_vt functions = { sizeof(dw_node_vt), 0, destroy, run, NULL };
static dw_node the_node = { &functions };
static const dw_node_vt ascent_functions = { sizeof(dw_node_vt), 0, destroy, run_ascent, NULL };
static dw_node ascent_node = { &ascent_functions };
static const dw_node_vt latent_functions = { sizeof(dw_node_vt), 0, destroy, run_latent, NULL };
static dw_node latent_node = { &latent_functions };

static dw_status create(dw_str id, const dw_call *call, dw_node **out) {
  (void)call;
  char first = id.len ? id.ptr[0] : 0;
  *out = first == 'A' ? &ascent_node : first == 'L' ? &latent_node : &the_node;
  return DW_OK;
}

static const dw_port image = { sizeof(dw_port), 0, TEXT("image"), TEXT("where to look"), TEXT("IMAGE") };
static const dw_port features = { sizeof(dw_port), 0, TEXT("features"), TEXT("what to check"), TEXT("FEATURES") };
static const dw_port after = { sizeof(dw_port), 0, TEXT("moved"), TEXT("the image plus its gradient"), TEXT("IMAGE") };
static const dw_port latent = { sizeof(dw_port), 0, TEXT("latent"), TEXT("where to look"), TEXT("LATENT_W") };
static const dw_port generator = { sizeof(dw_port), 0, TEXT("generator"), TEXT("makes the picture"), TEXT("GENERATOR") };
static const dw_port latent_after = { sizeof(dw_port), 0, TEXT("moved"), TEXT("the latent plus its gradient"),
                                      TEXT("LATENT_W") };
static const dw_port *const inputs[] = { &image, &features };
static const dw_port *const ascent_inputs[] = { &image, &features, &after };
static const dw_port *const latent_inputs[] = { &latent, &generator, &features, &latent_after };
static const dw_kind gradient_check = { sizeof(dw_kind), DW_KIND_OUTPUT, TEXT("GradientCheck"), 1, 2, 0, 0, inputs, NULL,
                                        TEXT("Gradient Check"), TEXT("test"), no_params };
static const dw_kind ascent_check = { sizeof(dw_kind), DW_KIND_OUTPUT, TEXT("AscentCheck"), 1, 3, 0, 0, ascent_inputs, NULL,
                                      TEXT("Ascent Check"), TEXT("test"), no_params };
static const dw_kind latent_check = { sizeof(dw_kind), DW_KIND_OUTPUT, TEXT("LatentCheck"), 1, 4, 0, 0, latent_inputs, NULL,
                                      TEXT("Latent Check"), TEXT("test"), no_params };
static const dw_kind *const kinds[] = { &gradient_check, &ascent_check, &latent_check };
const dw_entry dw_entry_v1 = { sizeof(dw_entry), DW_ABI_MAJOR, 0, 0, TEXT("org.example.gradient_check"), TEXT("1.0.0"),
                               TEXT("C"), NULL, NULL, 3, 0, kinds, create, NULL };
