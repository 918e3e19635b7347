#include <stdio.h>
#include <zeebe.h>

int main(void)
{
    zeebe_channel *channel = NULL;
    zeebe_error *error = zeebe_create_insecure_channel(NULL, &channel);
    if (error != NULL) return 1;
    zeebe_channel_free(channel);
    printf("libzeebe %s\n", zeebe_version());
    return 0;
}
