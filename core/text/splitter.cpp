#include "text/splitter.h"
