"""Programs of GitHub's hosted image: what a step may call there, whatever is on this machine.

From the list in github.com/actions/runner-images, images/ubuntu/Ubuntu2404-Readme.md.
"""

from __future__ import annotations

# What is not on this machine is missed by no fault of the work.
HOSTED = frozenset(
    {
        *("7z", "7za", "R", "acl", "ansible", "ansible-playbook", "ant", "apache2"),
        *("aria2c", "autoconf", "automake", "aws", "az", "azcopy", "azd", "bash"),
        *("bazel", "bazelisk", "bc", "bicep", "bison", "brew", "brotli", "buildah"),
        *("bundle", "bzip2", "cabal", "cargo", "chromedriver", "chromium", "clang"),
        *("clang-format", "clang-tidy", "cmake", "codeql", "composer", "conda", "cpan"),
        *("curl", "dig", "dotnet", "fakeroot", "fastlane", "file", "firefox", "flex"),
        *("ftp", "g++", "gcc", "gcloud", "geckodriver", "gem", "getfacl", "gfortran"),
        *("gh", "ghc", "ghcup", "git", "git-ftp", "git-lfs", "go", "google-chrome"),
        *("gpg", "gradle", "gunzip", "gzip", "helm", "hg", "ip", "java", "javac", "jq"),
        *("julia", "kind", "kotlin", "kotlinc", "kubectl", "kustomize", "lerna", "lz4"),
        *("m4", "make", "mediainfo", "microsoft-edge", "minikube", "msedgedriver", "mvn"),
        *("mysql", "mysqladmin", "mysqldump", "n", "nbgv", "nc", "netcat", "netstat"),
        *("newman", "nginx", "ninja", "node", "npm", "npx", "nvm", "oc", "openssl"),
        *("packer", "parallel", "parcel", "patchelf", "perl", "pg_dump", "pg_isready"),
        *("php", "phpunit", "pigz", "ping", "pkg-config", "podman", "psql", "pulumi"),
        *("pwsh", "rake", "rpm", "rsync", "ruby", "rustc", "rustdoc", "rustfmt"),
        *("rustup", "sam", "scp", "shellcheck", "skopeo", "sqlite3", "ssh", "ssh-keygen"),
        *("sshpass", "stack", "svn", "swift", "swig", "telnet", "terraform-docs", "time"),
        *("tree", "unzip", "upx", "vcpkg", "virtualenv", "wget", "xmllint", "xvfb-run"),
        *("xz", "yamllint", "yarn", "yq", "zip", "zstd", "zsync"),
    }
)
# What changes the machine or wants its services: here it would find a machine that is somebody's.
NEVER_HERE = frozenset(
    {
        *("add-apt-repository", "apt", "apt-add-repository", "apt-cache", "apt-get"),
        *("docker", "docker-compose", "dpkg", "podman", "service", "snap", "systemctl"),
    }
)
