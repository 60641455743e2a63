FLOW_MODELS = {n: None for n in "bra brx bssy bsync break_ warpsync call ret exit_ bar_sync nop membar".split()}
