module dragoman.test/standin

go 1.26.0
