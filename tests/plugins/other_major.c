/* A plugin of the next major: it exports `dw_entry_v2` and nothing that this host knows. */
#define DW_STATIC
#include "fixture.h"

extern DW_EXPORT const dw_entry dw_entry_v2;
const dw_entry dw_entry_v2 = { sizeof(dw_entry), 2, 0, 0, TEXT("org.example.tomorrow"), TEXT("1.0.0"), TEXT("C"),
                               NULL, NULL, 0, 0, NULL, cannot_create, NULL };
