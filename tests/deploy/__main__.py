"""`make golden`: write down what the manifests allow."""

from tests.deploy.test_rbac import FILES, GOLDEN, golden

if __name__ == "__main__":
    for name in FILES:
        (GOLDEN / name).write_text(golden(name))
        print(name)
