.program f xdp
	r0 = 2
	if r0 == goto x
