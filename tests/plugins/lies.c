/* Descriptors that must not be believed; the lie is chosen with -D. */
#include "fixture.h"

#if defined(NULL_TEXT)
#define ID { NULL, 7 }
#elif defined(NOT_UTF8)
#define ID TEXT("org.\xff\xfe")
#elif defined(HUGE_TEXT)
#define ID { "org.example.lies", (size_t)1 << 40 }
#else
#define ID TEXT("org.example.lies")
#endif

#if defined(HUGE_KIND)
static const char endless[1 << 24] = { 'a' };
#define KIND_ID { endless, sizeof endless }
#else
#define KIND_ID TEXT("Liar")
#endif

#if defined(MANY_PORTS)
#define PORTS 4000000000u
#else
#define PORTS 0
#endif

#if defined(MANY_KINDS)
#define KINDS 4000000000u
#else
#define KINDS 1
#endif

UNUSED static dw_str half_a_schema(void) {
  dw_str schema = { "{\"type\":", 8 };
  return schema;
}

#if defined(BAD_SCHEMA)
#define SCHEMA half_a_schema
#elif defined(NO_SCHEMA)
#define SCHEMA NULL
#else
#define SCHEMA no_params
#endif

static const dw_kind liar = { sizeof(dw_kind), 0, KIND_ID, 1, PORTS, 1, 0, fixture_outs, fixture_outs,
                              TEXT("Liar"), TEXT("test"), SCHEMA };
#if defined(NULL_KIND)
static const dw_kind *const kinds[] = { NULL };
#else
static const dw_kind *const kinds[] = { &liar };
#endif
UNUSED static const dw_kind *const *const unused = &kinds[0];
UNUSED static const dw_kind *const also_unused = &liar;

const dw_entry dw_entry_v1 = { sizeof(dw_entry), DW_ABI_MAJOR, 0, 0, ID, TEXT("1.0.0"), TEXT("C"),
                               NULL, NULL, KINDS, 0, kinds, cannot_create, NULL };
