#include "backends/kafka/bus.h"

#include <trading/plugin/plugin.h>

int32_t trading_plugin_entry(const trading_host_functions *host, trading_plugin *plugin, trading_error *error)
{
    static const trading_plugin_offer offers[] = {{TRADING_PLUGIN_BUS, 0, "kafka", &kafka_bus_ops}};
    (void)error;
    plugin->abi = TRADING_PLUGIN_ABI;
    if (host->abi != TRADING_PLUGIN_ABI)
        return TRADING_E_ABI;
    plugin->name = "kafka";
    plugin->version = "0.1.0";
    plugin->offers = offers;
    plugin->offer_count = 1;
    return TRADING_OK;
}
