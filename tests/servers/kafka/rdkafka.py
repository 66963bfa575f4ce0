"""As much of librdkafka as tests play other programs with: a producer, and a consumer that reads what is committed, from the beginning.

    producer = Producer("127.0.0.1:19092")
    producer.send("topic", b"value", key=b"key", headers={"EVENT_TYPE": "COMPLETE"}, partition=0)
    producer.flush()
    consumer = Consumer("127.0.0.1:19092", {"topic": 3})    # topics with their numbers of partitions
    record = consumer.next(seconds=5)                       # .topic .partition .offset .key .value .headers; None: nothing came
"""
import collections
import ctypes
import ctypes.util
import time

Record = collections.namedtuple("Record", "topic partition offset key value headers")


class Message(ctypes.Structure):
    _fields_ = [("error", ctypes.c_int), ("topic", ctypes.c_void_p), ("partition", ctypes.c_int32),
                ("value", ctypes.c_void_p), ("value_size", ctypes.c_size_t), ("key", ctypes.c_void_p),
                ("key_size", ctypes.c_size_t), ("offset", ctypes.c_int64), ("private", ctypes.c_void_p)]


class Place(ctypes.Structure):
    _fields_ = [("topic", ctypes.c_char_p), ("partition", ctypes.c_int32), ("offset", ctypes.c_int64)]


# Of rd_kafka_vtype_t, and other constants.
END, TOPIC, PARTITION, VALUE, KEY, FLAGS, HEADER = 0, 1, 3, 4, 5, 7, 9
PRODUCER, CONSUMER = 0, 1
COPY, ANY_PARTITION, BEGINNING = 2, -1, -2


def load():
    library = ctypes.CDLL(ctypes.util.find_library("rdkafka") or "librdkafka.so.1")
    for name in ("conf_new", "new", "topic_partition_list_new", "consumer_poll"):
        getattr(library, f"rd_kafka_{name}").restype = ctypes.c_void_p
    library.rd_kafka_topic_partition_list_add.restype = ctypes.POINTER(Place)
    library.rd_kafka_topic_name.restype = ctypes.c_char_p
    library.rd_kafka_err2str.restype = ctypes.c_char_p
    return library


kafka = load()


def check(code):
    if code:
        raise RuntimeError(kafka.rd_kafka_err2str(code).decode())


def open_handle(kind, hosts, options):
    reason = ctypes.create_string_buffer(512)
    conf = ctypes.c_void_p(kafka.rd_kafka_conf_new())
    for name, value in {"bootstrap.servers": hosts, **options}.items():
        if kafka.rd_kafka_conf_set(conf, name.encode(), value.encode(), reason, ctypes.c_size_t(len(reason))):
            raise RuntimeError(reason.value.decode())
    handle = kafka.rd_kafka_new(kind, conf, reason, ctypes.c_size_t(len(reason)))
    if not handle:
        raise RuntimeError(reason.value.decode())
    return ctypes.c_void_p(handle)


class Producer:
    def __init__(self, hosts):
        self.handle = open_handle(PRODUCER, hosts, {"linger.ms": "1", "enable.idempotence": "true"})

    def send(self, topic, value, key=b"k", headers=None, partition=ANY_PARTITION):
        arguments = [TOPIC, ctypes.c_char_p(topic.encode()), PARTITION, ctypes.c_int32(partition), FLAGS, COPY,
                     VALUE, ctypes.c_char_p(value), ctypes.c_size_t(len(value)), KEY, ctypes.c_char_p(key), ctypes.c_size_t(len(key))]
        for name, text in (headers or {}).items():
            arguments += [HEADER, ctypes.c_char_p(name.encode()), ctypes.c_char_p(text.encode()), ctypes.c_ssize_t(len(text.encode()))]
        check(kafka.rd_kafka_producev(self.handle, *arguments, END))

    def flush(self):
        check(kafka.rd_kafka_flush(self.handle, 60000))

    def close(self):
        kafka.rd_kafka_destroy(self.handle)


class Consumer:
    def __init__(self, hosts, topics):
        self.handle = open_handle(CONSUMER, hosts, {"group.id": "nobody", "enable.auto.commit": "false",
                                                    "isolation.level": "read_committed"})
        check(kafka.rd_kafka_poll_set_consumer(self.handle))
        places = ctypes.c_void_p(kafka.rd_kafka_topic_partition_list_new(16))
        for topic, partitions in topics.items():
            for partition in range(partitions):
                kafka.rd_kafka_topic_partition_list_add(places, topic.encode(), partition).contents.offset = BEGINNING
        check(kafka.rd_kafka_assign(self.handle, places))
        kafka.rd_kafka_topic_partition_list_destroy(places)

    def next(self, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pointer = kafka.rd_kafka_consumer_poll(self.handle, 200)
            if not pointer:
                continue
            message = Message.from_address(pointer)
            record = None if message.error else self._record(message)
            kafka.rd_kafka_message_destroy(ctypes.c_void_p(pointer))
            if record:
                return record
        return None

    def _record(self, message):
        def content(place, size):
            return ctypes.string_at(place, size) if place else None

        return Record(kafka.rd_kafka_topic_name(ctypes.c_void_p(message.topic)).decode(), message.partition, message.offset,
                      content(message.key, message.key_size), content(message.value, message.value_size), self._headers(message))

    @staticmethod
    def _headers(message):
        headers, name, value, size = ctypes.c_void_p(), ctypes.c_char_p(), ctypes.c_void_p(), ctypes.c_size_t()
        found, place = {}, 0
        if kafka.rd_kafka_message_headers(ctypes.byref(message), ctypes.byref(headers)):
            return found
        while not kafka.rd_kafka_header_get_all(headers, ctypes.c_size_t(place), ctypes.byref(name), ctypes.byref(value),
                                                ctypes.byref(size)):
            found[name.value.decode()] = ctypes.string_at(value, size.value).decode() if size.value else ""
            place += 1
        return found

    def close(self):
        kafka.rd_kafka_consumer_close(self.handle)
        kafka.rd_kafka_destroy(self.handle)
