/* The text of README-VERIFY.txt. Plain ASCII, no markup: it must be readable in ten years with anything. */
#include "harness/archive/readme.h"

#include <string.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"

static const char text[] =
    "HOW TO CHECK THIS ARCHIVE WITHOUT DRILL\n"
    "=======================================\n"
    "\n"
    "Every folder YYYY/Qn/NNNN-NAME[.plan|.review] is one sealed bundle in the shape of RFC 8493 (BagIt). What is needed: "
    "sha256sum,\n"
    "find, sort, cut (any Unix), ssh-keygen (OpenSSH 8.9 or later), openssl (for timestamps). NNNN counts drills. NAME.plan was "
    "sealed\n"
    "before the first fault, NAME after the drill, NAME.review later by whoever reviewed it.\n"
    "\n"
    "\n"
    "1. One bundle. In its folder:\n"
    "\n"
    "  sha256sum -c --strict --quiet tagmanifest-sha256.txt manifest-sha256.txt &&\n"
    "  test \"$(find data ! -type d | LC_ALL=C sort)\" = \"$(cut -c67- manifest-sha256.txt | LC_ALL=C sort)\" &&\n"
    "  ssh-keygen -Y verify -f ALLOWED_SIGNERS -I SIGNER -n dr-drill -s tagmanifest-sha256.txt.sig < tagmanifest-sha256.txt\n"
    "\n"
    "The first line checks that every listed file is what was sealed, the second that there is no other file, the third who "
    "sealed it.\n"
    "A review is signed for another purpose: -n dr-review. Drill-Signature in bag-info.txt says whether a bundle was signed at "
    "all.\n"
    "When the key has run out since: -O verify-time=YYYYMMDDHHMMSSZ, with the time that the timestamp proves (below).\n"
    "\n"
    "The time of sealing, where a timestamp service was configured:\n"
    "\n"
    "  openssl ts -verify -data tagmanifest-sha256.txt.sig -in tagmanifest-sha256.txt.sig.tsr -CAfile TSA_CA.pem\n"
    "  openssl ts -reply -in tagmanifest-sha256.txt.sig.tsr -text\n"
    "\n"
    "When the service's certificate has run out since: add -attime SECONDS with the time of the token in seconds since 1970.\n"
    "\n"
    "\n"
    "2. The whole archive. In this folder:\n"
    "\n"
    "  sha256sum -c --strict --quiet LEDGER\n"
    "  for b in */Q?/*/; do (cd \"$b\" && { test ! -e previous-sha256.txt || sha256sum -c --strict --quiet previous-sha256.txt; "
    "}); done\n"
    "  test \"$(ls -d */Q?/*/ | sed 's|$|tagmanifest-sha256.txt|' | LC_ALL=C sort)\" = \"$(cut -c67- LEDGER | LC_ALL=C sort)\"\n"
    "  ls -d */Q?/*/ | wc -l; ls */Q?/*/previous-sha256.txt | wc -l\n"
    "\n"
    "The first checks that every bundle ever entered is there and unchanged, the second that each names the one before it, the "
    "third\n"
    "that there is no bundle that was not entered. The last two numbers differ by exactly one: only the first bundle has no "
    "link.\n"
    "\n"
    "\n"
    "3. What catches what\n"
    "\n"
    "  what was done to the archive                        caught by\n"
    "  a file of a bundle changed or removed               1, first line\n"
    "  a file added to data/                               1, second line\n"
    "  a file added beside data/                           not by 1 (drill verify)\n"
    "  a signature removed                                 1, third line\n"
    "  a file changed and the manifests written anew       1, third line; without a signature: 2, LEDGER and the next bundle's "
    "link\n"
    "  a bundle signed again with another key              1, third line\n"
    "  a bundle rewritten and signed with the right key    2, LEDGER and the next bundle's link\n"
    "  a bundle removed                                    2, LEDGER; from the middle also the next bundle's link\n"
    "  a bundle added                                      2, third line\n"
    "  two bundles exchanged, or one renamed               2, LEDGER and links\n"
    "  lines of LEDGER in another order                    not by sha256sum -c LEDGER: the links give the true order (drill "
    "verify)\n"
    "  the LAST bundle and its line of LEDGER removed      not by 2: a plan without a result is left (drill verify)\n"
    "  the last drill with its plan and both lines removed not by anything in here: see below\n"
    "  the last bundle rewritten with the right key, and   not by 1 or 2. drill verify, when its figures no longer follow from\n"
    "  its line of LEDGER with it                          its evidence; when that was invented too, not: see below\n"
    "\n"
    "drill verify ARCHIVE does all of this and also computes every figure of every report again from the evidence.\n"
    "\n"
    "\n"
    "4. What this cannot show\n"
    "\n"
    "* Whose key it is. ALLOWED_SIGNERS must reach you by another road than this archive: on paper, from a web page, with last "
    "year's\n"
    "  audit. A copy in here would prove nothing, and neither does `ssh-keygen -Y check-novalidate`, which says Good to any "
    "key.\n"
    "  A line of it: SIGNER namespaces=\"dr-drill\" ssh-ed25519 AAAA...\n"
    "* The end. Whoever can write here can take away the last bundles with their lines of LEDGER, or, holding the key, write "
    "them anew.\n"
    "  Three things stand against it: a copy of LEDGER (or of its last line) with somebody else, storage that refuses deletion, "
    "and\n"
    "  the plan bundle, which exists before the result is known: a plan without a result is a drill that was not reported.\n"
    "* The beginning. A drill made outside of this archive leaves no trace in it.\n"
    "* The truth of what was measured. A signature says who sealed these files and that they are the same since; a timestamp "
    "that they\n"
    "  existed at the latest then. Neither says that the right system was measured or that the scenario was hard.\n"
    "\n"
    "index.html and index.json are made from the bundles at will and are no evidence. .running holds what is not sealed yet.\n"
    "data/redactions.json of a bundle says by which rules secrets were replaced with [redacted] before anything was written.\n";

const char *const readme_commands[] = {
    "sha256sum -c --strict --quiet tagmanifest-sha256.txt manifest-sha256.txt",
    "test \"$(find data ! -type d | LC_ALL=C sort)\" = \"$(cut -c67- manifest-sha256.txt | LC_ALL=C sort)\"",
    "ssh-keygen -Y verify -f ALLOWED_SIGNERS -I SIGNER -n dr-drill -s tagmanifest-sha256.txt.sig < tagmanifest-sha256.txt",
    "drill verify .",
    NULL,
};

const char *const readme_limits[] = {
    "The signature shows who sealed these files and that they have not changed since. It does not show that the right system was "
    "measured, that the scenario was severe, or that no drill was run outside this archive.",
    "A timestamp shows that they existed no later than the time it states.",
    "Whoever can write to the archive can take away its last bundles: keep it on storage that refuses deletion, and give a copy "
    "of "
    "LEDGER to someone else.",
    "Whose key it is must be known by another road than this archive.",
    NULL,
};

const char *readme_text(void)
{
    return text;
}

int readme_write(const char *archive, struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/README-VERIFY.txt", archive);
    AUTO_FREE char *found = NULL;
    struct err ignored = {0};
    if (fd_read_file(path, 2 * sizeof(text), &found, NULL, &ignored) == 0 && str_eq(found, text)) {
        return 0;
    }
    return fd_write_file_atomic(path, text, strlen(text), err);
}
