#include "omi_for_c.h"
