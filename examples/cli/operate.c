#include "subcommand.h"

int operate_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return EXIT_USAGE;
}
