#include "text/loader.h"
