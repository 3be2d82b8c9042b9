"""`make golden`: write the second halves of the golden files anew."""

from tests.golden.cases import cases

if __name__ == "__main__":
    for case in cases():
        case.rewrite()
        print(case.path.name)
