type Numbers = list[int]
