print('4 passed')
