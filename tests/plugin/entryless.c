/* A shared object that is no plugin. */
int entryless(void);

int entryless(void)
{
    return 1;
}
