/* The symbol says major 1, the struct behind it says 2. */
#include "fixture.h"

const dw_entry dw_entry_v1 = { sizeof(dw_entry), 2, 0, 0, TEXT("org.example.tomorrow"), TEXT("1.0.0"), TEXT("C"),
                               NULL, NULL, 0, 0, NULL, cannot_create, NULL };
