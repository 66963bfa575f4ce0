import exchange.core2.core.ExchangeApi;
import exchange.core2.core.ExchangeCore;
import exchange.core2.core.common.CoreSymbolSpecification;
import exchange.core2.core.common.CoreWaitStrategy;
import exchange.core2.core.common.MatcherEventType;
import exchange.core2.core.common.MatcherTradeEvent;
import exchange.core2.core.common.OrderAction;
import exchange.core2.core.common.OrderType;
import exchange.core2.core.common.SymbolType;
import exchange.core2.core.common.api.ApiAddUser;
import exchange.core2.core.common.api.ApiAdjustUserBalance;
import exchange.core2.core.common.api.ApiCommand;
import exchange.core2.core.common.api.ApiPlaceOrder;
import exchange.core2.core.common.api.binary.BatchAddSymbolsCommand;
import exchange.core2.core.common.cmd.CommandResultCode;
import exchange.core2.core.common.cmd.OrderCommand;
import exchange.core2.core.common.cmd.OrderCommandType;
import exchange.core2.core.common.config.ExchangeConfiguration;
import exchange.core2.core.common.config.InitialStateConfiguration;
import exchange.core2.core.common.config.PerformanceConfiguration;
import exchange.core2.core.common.config.SerializationConfiguration;
import exchange.core2.core.processors.journaling.DiskSerializationProcessor;
import exchange.core2.core.processors.journaling.DiskSerializationProcessorConfiguration;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;

/**
 * The order flow of `trading bench orders` through exchange-core: 1,000 users with money and shares, one symbol, its risk engine and its
 * matching engine, with its journal or without. The flow runs several rounds, on a new symbol each, so that the virtual machine is warm;
 * the first does not count.
 *
 *     ExchangeCoreFlow ORDERS ROUNDS WAIT [JOURNAL_FOLDER]
 *
 * WAIT is how its threads wait: BLOCKING, YIELDING, BUSY_SPIN. Prints one JSON object.
 */
public final class ExchangeCoreFlow {
    private static final long FIRST_STATE = 88172645463325252L;
    private static final int USERS = 1000;
    private static final int SHARES = 1;
    private static final int MONEY = 2;
    private static final long PLENTY = 1_000_000_000_000_000L;

    /** Counts what comes out of the exchange; called on one of its threads. */
    private static final class Sums {
        long orders;
        long trades;
        long shares;
        long resting;
        long expected;
        CountDownLatch done;

        synchronized void begin(long count) {
            orders = trades = shares = resting = 0;
            expected = count;
            done = new CountDownLatch(1);
        }

        void take(OrderCommand command, long sequence) {
            if (command.command != OrderCommandType.PLACE_ORDER) {
                return;
            }
            if (command.resultCode != CommandResultCode.SUCCESS) {
                throw new IllegalStateException("an order was answered " + command.resultCode);
            }
            long left = command.size;
            for (MatcherTradeEvent event = command.matcherEvent; event != null; event = event.nextEvent) {
                if (event.eventType == MatcherEventType.TRADE) {
                    trades++;
                    shares += event.size;
                    left -= event.size;
                    resting -= event.matchedOrderCompleted ? 1 : 0;
                }
            }
            resting += left > 0 ? 1 : 0;
            if (++orders == expected) {
                done.countDown();
            }
        }
    }

    private static ApiPlaceOrder order(long id, long u, int symbol) {
        long price = 9950 + Long.remainderUnsigned(u >>> 1, 101);
        return ApiPlaceOrder.builder()
            .orderId(id)
            .uid(1 + Long.remainderUnsigned(u >>> 32, USERS))
            .symbol(symbol)
            .price(price)
            .reservePrice(price)
            .size(1 + Long.remainderUnsigned(u >>> 20, 100))
            .action((u & 1) == 0 ? OrderAction.BID : OrderAction.ASK)
            .orderType(OrderType.GTC)
            .build();
    }

    private static ApiCommand[] flow(int count, int symbol) {
        ApiCommand[] orders = new ApiCommand[count];
        long u = FIRST_STATE;
        for (int i = 0; i < count; i++) {
            u ^= u << 13;
            u ^= u >>> 7;
            u ^= u << 17;
            orders[i] = order(1 + i, u, symbol);
        }
        return orders;
    }

    private static void prepare(ExchangeApi api, int rounds) throws Exception {
        List<CoreSymbolSpecification> symbols = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            symbols.add(CoreSymbolSpecification.builder().symbolId(1 + round).type(SymbolType.CURRENCY_EXCHANGE_PAIR)
                .baseCurrency(SHARES).quoteCurrency(MONEY).baseScaleK(1).quoteScaleK(1).build());
        }
        api.submitBinaryDataAsync(new BatchAddSymbolsCommand(symbols)).get();
        List<ApiCommand> commands = new ArrayList<>();
        for (int user = 1; user <= USERS; user++) {
            commands.add(ApiAddUser.builder().uid(user).build());
            commands.add(ApiAdjustUserBalance.builder().uid(user).currency(SHARES).amount(PLENTY).transactionId(1).build());
            commands.add(ApiAdjustUserBalance.builder().uid(user).currency(MONEY).amount(PLENTY).transactionId(2).build());
        }
        api.submitCommandsSync(commands);
    }

    private static ExchangeConfiguration configuration(CoreWaitStrategy wait, String journal) {
        SerializationConfiguration serialization = SerializationConfiguration.DEFAULT;
        InitialStateConfiguration state = InitialStateConfiguration.cleanStart("FLOW");
        if (journal != null) {
            DiskSerializationProcessorConfiguration disk =
                DiskSerializationProcessorConfiguration.builder().storageFolder(journal)
                    .snapshotLz4CompressorFactory(DiskSerializationProcessorConfiguration.LZ4_FAST)
                    .journalLz4CompressorFactory(DiskSerializationProcessorConfiguration.LZ4_FAST)
                    .journalFileMaxSize(4L << 30).journalBufferSize(256 * 1024).journalBatchCompressThreshold(2048).build();
            serialization = SerializationConfiguration.builder().enableJournaling(true)
                .serializationProcessorFactory(exchange -> new DiskSerializationProcessor(exchange, disk)).build();
            state = InitialStateConfiguration.cleanStartJournaling("FLOW");
        }
        return ExchangeConfiguration.defaultBuilder()
            .performanceCfg(PerformanceConfiguration.throughputPerformanceBuilder().matchingEnginesNum(1).riskEnginesNum(1)
                .waitStrategy(wait).build())
            .serializationCfg(serialization)
            .initStateCfg(state)
            .build();
    }

    private static long processorTime() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    public static void main(String[] arguments) throws Exception {
        int count = Integer.parseInt(arguments[0]);
        int rounds = Integer.parseInt(arguments[1]);
        Sums sums = new Sums();
        ExchangeCore core = ExchangeCore.builder().resultsConsumer(sums::take)
            .exchangeConfiguration(configuration(CoreWaitStrategy.valueOf(arguments[2]),
                arguments.length > 3 ? arguments[3] : null)).build();
        core.startup();
        ExchangeApi api = core.getApi();
        prepare(api, rounds);
        double[] rates = new double[rounds];
        double cpu = 0;
        for (int round = 0; round < rounds; round++) {
            ApiCommand[] orders = flow(count, 1 + round);
            sums.begin(count);
            long cpuBefore = processorTime();
            long begun = System.nanoTime();
            for (ApiCommand order : orders) {
                api.submitCommand(order);
            }
            sums.done.await();
            rates[round] = count * 1e9 / (System.nanoTime() - begun);
            cpu = (processorTime() - cpuBefore) * 1e-3 / count;
        }
        core.shutdown();
        double[] warm = Arrays.copyOfRange(rates, rounds > 1 ? 1 : 0, rounds);
        Arrays.sort(warm);
        System.out.printf(Locale.ROOT,
            "{\"work\":\"orders\",\"orders\":%d,\"per_second\":%.0f,\"least\":%.0f,\"most\":%.0f,\"cpu_us_per_command\":%.3f,"
                + "\"journal\":%b,\"trades\":%d,\"shares\":%d,\"resting\":%d}%n",
            count, warm[warm.length / 2], warm[0], warm[warm.length - 1], cpu, arguments.length > 3, sums.trades, sums.shares,
            sums.resting);
        System.exit(0);
    }
}
