#include "model/wordpiece_tokenizer.h"
