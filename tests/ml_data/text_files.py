"""Three bars as each vendor writes them, and what an importer should make of them."""

from dataclasses import dataclass
from typing import Final, Literal

NEW_YORK: Final = "America/New_York"
BAR: Final = (15895.0, 15903.75, 15888.0, 15893.25, 571.0)


@dataclass(frozen=True)
class Sample:
    """A file, and what should be recognised; `first` is its first bar: UTC start, prices, volume."""

    text: str
    format: str
    why: str
    clock: str
    time_zone: str | None = None
    first: tuple[object, ...] = ("2024-01-16 14:30:00", *BAR)
    stamps: Literal["start", "end"] = "start"
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    rows: int = 3


FILES: Final = {
    "TradingView": Sample(
        "time,open,high,low,close,Plot,MA #1,BB Basis,Volume,Volume MA\n"
        "2024-01-16T08:30:00-06:00,15895,15903.75,15888,15893.25,15890.083333333334,NaN,NaN,571,NaN\n"
        "2024-01-16T08:31:00-06:00,15893,15893.5,15877.75,15883.75,15889.3,NaN,NaN,549,NaN\n"
        "2024-01-16T08:32:00-06:00,15884.75,15888.25,15877.75,15881,15888.1,15887,NaN,414,511.3\n",
        "tradingview",
        "time,open,high,low,close, followed by what the chart shows (Plot, MA #1, BB Basis, ...)",
        "offset in each stamp",
        ignored=("Plot", "MA #1", "BB Basis", "Volume MA"),
    ),
    "TradingView in seconds": Sample(
        "time,open,high,low,close,Volume\n1705415400,15895,15903.75,15888,15893.25,571\n"
        "1705415460,15893,15893.5,15877.75,15883.75,549\n1705415520,15884.75,15888.25,15877.75,15881,414\n",
        "tradingview",
        "followed by what the chart shows (Volume)",
        "UTC",
    ),
    "TradingView of an index": Sample(
        "time,open,high,low,close\n1705415400,15895,15903.75,15888,15893.25\n"
        "1705415460,15893,15893.5,15877.75,15883.75\n1705415520,15884.75,15888.25,15877.75,15881\n",
        "tradingview",
        "its columns begin with time,open,high,low,close",
        "UTC",
        first=("2024-01-16 14:30:00", *BAR[:4], 0.0),
        notes=("the file has no volume, 0 is stored",),
    ),
    "FirstRate, with a header": Sample(
        "timestamp,open,high,low,close,volume\n2024-01-16 09:30:00,15895.00,15903.75,15888.00,15893.25,571\n"
        "2024-01-16 09:31:00,15893.00,15893.50,15877.75,15883.75,549\n"
        "2024-01-16 09:32:00,15884.75,15888.25,15877.75,15881.00,414\n",
        "csv",
        "its first line names the columns timestamp, open, high, low, close, volume",
        NEW_YORK,
        NEW_YORK,
    ),
    "FirstRate": Sample(
        "2024-01-16 09:30:00,15895.00,15903.75,15888.00,15893.25,571\n"
        "2024-01-16 09:31:00,15893.00,15893.50,15877.75,15883.75,549\n"
        "2024-01-16 09:32:00,15884.75,15888.25,15877.75,15881.00,414\n",
        "csv-headerless",
        "its rows are datetime, open, high, low, close, volume without a header, as their order shows",
        NEW_YORK,
        NEW_YORK,
    ),
    "Kibot": Sample(
        "01/16/2024,09:30,15895,15903.75,15888,15893.25,571\n01/16/2024,09:31,15893,15893.5,15877.75,15883.75,549\n"
        "01/16/2024,09:32,15884.75,15888.25,15877.75,15881,414\n",
        "csv-headerless",
        "as their order shows; its dates have the month first, as a day above 12 says",
        NEW_YORK,
        NEW_YORK,
    ),
    "NinjaTrader": Sample(
        "20240116 143100;15895;15903.75;15888;15893.25;571\r\n20240116 143200;15893;15893.5;15877.75;15883.75;549\r\n"
        "20240116 143300;15884.75;15888.25;15877.75;15881;414\r\n",
        "ninjatrader",
        "its rows are YYYYMMDD HHMMSS;open;high;low;close;volume without a header",
        "UTC",
        "UTC",
        stamps="end",
    ),
    "NinjaTrader with decimal commas": Sample(
        "20240116 143100;15895;15903,75;15888;15893,25;571\n20240116 143200;15893;15893,5;15877,75;15883,75;549\n"
        "20240116 143300;15884,75;15888,25;15877,75;15881;414\n",
        "ninjatrader",
        "its rows are YYYYMMDD HHMMSS;open;high;low;close;volume without a header",
        "UTC",
        "UTC",
        stamps="end",
    ),
    "MetaTrader 4": Sample(
        "2024.01.16,16:30,15895.00,15903.75,15888.00,15893.25,571\n"
        "2024.01.16,16:31,15893.00,15893.50,15877.75,15883.75,549\n"
        "2024.01.16,16:32,15884.75,15888.25,15877.75,15881.00,414\n",
        "metatrader4",
        "its rows are YYYY.MM.DD,HH:MM,open,high,low,close,volume without a header",
        "Europe/Athens",
        "Europe/Athens",
        notes=("volume counts changes of the price, not contracts",),
    ),
    "MetaTrader 5": Sample(
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\r\n"
        "2024.01.16\t16:30:00\t15895.00\t15903.75\t15888.00\t15893.25\t571\t0\t12\r\n"
        "2024.01.16\t16:31:00\t15893.00\t15893.50\t15877.75\t15883.75\t549\t0\t12\r\n"
        "2024.01.16\t16:32:00\t15884.75\t15888.25\t15877.75\t15881.00\t414\t0\t13\r\n",
        "metatrader5",
        "its first line names the columns <DATE> <TIME> <OPEN> <HIGH> <LOW> <CLOSE> <TICKVOL> <VOL> <SPREAD>",
        "Europe/Athens",
        "Europe/Athens",
        ignored=("<VOL>", "<SPREAD>"),
        notes=("volume counts changes of the price, not contracts: <TICKVOL> is used, as <VOL> is 0",),
    ),
    "MetaTrader 5 of a future": Sample(
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2024.01.16\t16:30:00\t15895.00\t15903.75\t15888.00\t15893.25\t99\t571\t1\n"
        "2024.01.16\t16:31:00\t15893.00\t15893.50\t15877.75\t15883.75\t98\t549\t1\n"
        "2024.01.16\t16:32:00\t15884.75\t15888.25\t15877.75\t15881.00\t97\t414\t1\n",
        "metatrader5",
        "its first line names the columns <DATE>",
        "Europe/Athens",
        "Europe/Athens",
        ignored=("<TICKVOL>", "<SPREAD>"),
    ),
    "Sierra Chart": Sample(
        "Date, Time, Open, High, Low, Last, Volume, NumberOfTrades, BidVolume, AskVolume\n"
        "2024/1/16, 9:30:00.000000, 15895.00, 15903.75, 15888.00, 15893.25, 571, 301, 270, 301\n"
        "2024/1/16, 9:31:00.000000, 15893.00, 15893.50, 15877.75, 15883.75, 549, 297, 269, 280\n"
        "2024/1/16, 10:00:00.000000, 15884.75, 15888.25, 15877.75, 15881.00, 414, 237, 205, 209\n",
        "sierra-chart",
        "its first line names the columns Last, NumberOfTrades and BidVolume; Last is the close",
        NEW_YORK,
        NEW_YORK,
        ignored=("NumberOfTrades", "BidVolume", "AskVolume"),
    ),
    "Sierra Chart bars and studies": Sample(
        "Date, Time, Open, High, Low, Last, Volume, # of Trades, OHLC Avg, HLC Avg, HL Avg, Bid Volume, Ask Volume, S\n"
        "2024-01-16, 09:30:00, 15895.00, 15903.75, 15888.00, 15893.25, 571, 301, 1, 1, 1, 270, 301, 0\n"
        "2024-01-16, 09:31:00, 15893.00, 15893.50, 15877.75, 15883.75, 549, 297, 1, 1, 1, 269, 280, 0\n"
        "2024-01-16, 09:32:00, 15884.75, 15888.25, 15877.75, 15881.00, 414, 237, 1, 1, 1, 205, 209, 0\n",
        "sierra-chart",
        "its first line names the columns Last, # of Trades and Bid Volume; Last is the close",
        NEW_YORK,
        NEW_YORK,
        ignored=("# of Trades", "OHLC Avg", "HLC Avg", "HL Avg", "Bid Volume", "Ask Volume", "S"),
    ),
    "Interactive Brokers": Sample(
        "date,open,high,low,close,volume,average,barCount\n"
        "20240116  09:30:00,15895.0,15903.75,15888.0,15893.25,571.0,15894.1,301\n"
        "20240116  09:31:00,15893.0,15893.5,15877.75,15883.75,549.0,15888.2,297\n"
        "20240116  09:32:00,15884.75,15888.25,15877.75,15881.0,414.0,15884.0,237\n",
        "interactive-brokers",
        "its first line names the columns average and barCount beside the prices",
        NEW_YORK,
        NEW_YORK,
        ignored=("average", "barCount"),
    ),
    "Interactive Brokers with a zone": Sample(
        ",date,open,high,low,close,volume,average,barCount\n"
        "0,20240116 09:30:00 US/Eastern,15895.0,15903.75,15888.0,15893.25,571.0,15894.1,301\n"
        "1,20240116 09:31:00 US/Eastern,15893.0,15893.5,15877.75,15883.75,549.0,15888.2,297\n"
        "2,20240116 09:32:00 US/Eastern,15884.75,15888.25,15877.75,15881.0,414.0,15884.0,237\n",
        "interactive-brokers",
        "its first line names the columns average and barCount beside the prices",
        "US/Eastern, named in each stamp",
        ignored=("average", "barCount"),
    ),
    "Interactive Brokers with offsets, midpoints": Sample(
        "date,open,high,low,close,volume,average,barCount\n"
        "2024-01-16 09:30:00-05:00,15895.0,15903.75,15888.0,15893.25,-1.0,-1.0,-1\n"
        "2024-01-16 09:31:00-05:00,15893.0,15893.5,15877.75,15883.75,-1.0,-1.0,-1\n",
        "interactive-brokers",
        "its first line names the columns average and barCount beside the prices",
        "offset in each stamp",
        first=("2024-01-16 14:30:00", *BAR[:4], 0.0),
        ignored=("average", "barCount"),
        rows=2,
    ),
    "Databento CSV with whole prices": Sample(
        "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol\n"
        "1705415400000000000,33,1,13743,15895000000000,15903750000000,15888000000000,15893250000000,571,NQ\n"
        "1705415460000000000,33,1,13743,15893000000000,15893500000000,15877750000000,15883750000000,549,NQ\n",
        "csv",
        "its whole prices count billionths",
        "UTC",
        ignored=("rtype", "publisher_id", "instrument_id"),
        rows=2,
    ),
    "Databento CSV with decimals": Sample(
        "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol\n"
        "2024-01-16T14:30:00.000000000Z,33,1,13743,15895.000000000,15903.750000000,15888.000000000,15893.250000000,571,"
        "NQ\n",
        "csv",
        "its first line names the columns ts_event",
        "offset in each stamp",
        ignored=("rtype", "publisher_id", "instrument_id"),
        rows=1,
    ),
    "Polygon": Sample(
        "ticker,volume,open,close,high,low,window_start,transactions\n"
        "NQ,571,15895,15893.25,15903.75,15888,1705415400000000000,301\n",
        "csv",
        "its first line names the columns volume, open, close, high, low, window_start",
        "UTC",
        ignored=("transactions",),
        rows=1,
    ),
    "BitMEX": Sample(
        "timestamp,symbol,open,high,low,close,trades,volume,vwap,lastSize\n"
        "2024-01-16T14:31:00.000Z,NQ,15895,15903.75,15888,15893.25,301,571,15894,1\n",
        "csv",
        "its columns are those of BitMEX, which stamps the end of a minute",
        "offset in each stamp",
        stamps="end",
        ignored=("trades", "vwap", "lastSize"),
        rows=1,
    ),
    "MetaTrader 5 from Python": Sample(
        "time,open,high,low,close,tick_volume,spread,real_volume\n"
        "1705422600,15895.0,15903.75,15888.0,15893.25,571,1,0\n",
        "csv",
        "its seconds since 1970 count what the server's clock shows",
        "Europe/Athens",
        "Europe/Athens",
        ignored=("spread", "real_volume"),
        notes=("volume counts changes of the price, not contracts",),
        rows=1,
    ),
    "Kraken": Sample(
        "1705415400,15895.0,15903.75,15888.0,15893.25,571,301\n1705415460,15893.0,15893.5,15877.75,15883.75,549,297\n",
        "csv-headerless",
        "its rows are datetime, open, high, low, close, volume, and 1 more without a header",
        "UTC",
        ignored=("column 7",),
        rows=2,
    ),
    "IQFeed": Sample(
        "2024-01-16 09:33:00,15888.2500,15877.7500,15884.7500,15881.0000,1534,414,237,\r\n"
        "2024-01-16 09:32:00,15893.5000,15877.7500,15893.0000,15883.7500,1120,549,297,\r\n"
        "2024-01-16 09:31:00,15903.7500,15888.0000,15895.0000,15893.2500,571,571,301,\r\n",
        "iqfeed",
        "its rows are a stamp, high, low, open, close, total volume, volume, trades without a header",
        NEW_YORK,
        NEW_YORK,
        first=("2024-01-16 14:32:00", 15884.75, 15888.25, 15877.75, 15881.0, 414.0),
        stamps="end",
        ignored=("total", "trades"),
    ),
    "TradeStation with whole volume": Sample(
        '"Date","Time","Open","High","Low","Close","Vol","OI"\n'
        "01/16/2024,09:31,15895.00,15903.75,15888.00,15893.25,571,0\n",
        "tradestation",
        "its first line names the columns Vol and OI, in quotes",
        NEW_YORK,
        NEW_YORK,
        stamps="end",
        ignored=("OI",),
        rows=1,
    ),
    "Barchart": Sample(
        'Symbol,Time,Open,High,Low,Latest,Change,%Change,Volume\n'
        'NQ,"2024-01-16 08:30",15895.00,15903.75,15888.00,15893.25,-1.75,-0.01%,571\n',
        "csv",
        "its first line names the columns Time, Open, High, Low, Latest, Volume",
        "America/Chicago",
        "America/Chicago",
        ignored=("Change", "%Change"),
        rows=1,
    ),
    "AlgoSeek": Sample(
        "Date,Ticker,TimeBarStart,FirstTradePrice,HighTradePrice,LowTradePrice,LastTradePrice,VolumeWeightPrice,Volume\n"
        "20240116,NQ,09:30,15895,15903.75,15888,15893.25,15894.1,571\n",
        "csv",
        "its first line names the columns Date, TimeBarStart, FirstTradePrice",
        NEW_YORK,
        NEW_YORK,
        ignored=("VolumeWeightPrice",),
        rows=1,
    ),
    "Refinitiv": Sample(
        "#RIC,Domain,Date-Time,GMT Offset,Type,Open,High,Low,Last,Volume\n"
        "NQ,Market Price,2024-01-16T14:30:00.000000000Z,-5,Intraday 1Min,15895,15903.75,15888,15893.25,571\n",
        "csv",
        "its first line names the columns Date-Time, Open, High, Low, Last, Volume",
        "offset in each stamp",
        ignored=("Domain", "GMT Offset", "Type"),
        rows=1,
    ),
    "Stooq": Sample(
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        "NQ,1,20240116,153000,15895,15903.75,15888,15893.25,571,0\n",
        "csv",
        "its first line names the columns <DATE>, <TIME>",
        "Europe/Berlin",
        "Europe/Berlin",
        ignored=("<PER>", "<OPENINT>"),
        rows=1,
    ),
    "a clock in the name of the column": Sample(
        "Time (UTC+2);Open;High;Low;Close;Volume\n16.01.2024 16:30;15895,0;15903,75;15888,0;15893,25;571\n",
        "csv",
        "its first line names the columns Time (UTC+2)",
        "UTC+2",
        rows=1,
    ),
    "German": Sample(
        "Datum;Uhrzeit;Eröffnung;Hoch;Tief;Schluss;Volumen\n16.01.2024;15:30;15895,0;15903,75;15888,0;15893,25;571\n",
        "csv",
        "its first line names the columns Datum, Uhrzeit, Eröffnung",
        "Europe/Berlin",
        "Europe/Berlin",
        rows=1,
    ),
    "TradeStation": Sample(
        '"Date","Time","Open","High","Low","Close","Up","Down"\n'
        "01/16/2024,09:31,15895.00,15903.75,15888.00,15893.25,300,271\n"
        "01/16/2024,09:32,15893.00,15893.50,15877.75,15883.75,280,269\n"
        "01/16/2024,09:33,15884.75,15888.25,15877.75,15881.00,209,205\n",
        "tradestation",
        "its first line names the columns Up and Down, the volumes on upticks and downticks",
        NEW_YORK,
        NEW_YORK,
        stamps="end",
        notes=("volume is the sum of Up and Down",),
    ),
    "Binance": Sample(
        "1705415400000,15895,15903.75,15888,15893.25,571,1705415459999,9075.4,1327,23.18766,980.8,0\n"
        "1705415460000,15893,15893.5,15877.75,15883.75,549,1705415519999,8720.1,1301,21.1,970.1,0\n",
        "binance",
        "its rows are twelve numbers, of which the first is a time, the next five a bar, and the seventh its end",
        "UTC",
        ignored=("close time", "quote volume", "trades", "taker volume", "taker quote volume", "column 12"),
        rows=2,
    ),
    "CryptoDataDownload": Sample(
        "https://www.example.org\nUnix,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USDT,tradecount\n"
        "1705415400,2024-01-16 14:30:00,NQ,15895,15903.75,15888,15893.25,571,9075413,1327\n",
        "csv",
        "its line 2 names the columns Unix, Open, High, Low, Close, Volume BTC",
        "UTC",
        ignored=("Date", "Volume USDT", "tradecount"),
        rows=1,
    ),
    "Yahoo": Sample(
        "Datetime,Open,High,Low,Close,Adj Close,Volume\n"
        "2024-01-16 09:30:00-05:00,15895.0,15903.75,15888.0,15893.25,15893.25,571\n"
        "2024-01-16 09:31:00-05:00,15893.0,15893.5,15877.75,15883.75,15883.75,0\n",
        "yahoo",
        "its first line names the columns Datetime and Adj Close",
        "offset in each stamp",
        ignored=("Adj Close",),
        rows=2,
    ),
    "Yahoo's history of a ticker": Sample(
        "Datetime,Open,High,Low,Close,Volume,Dividends,Stock Splits\n"
        "2024-01-16 09:30:00-05:00,15895.0,15903.75,15888.0,15893.25,571,0.0,0.0\n",
        "yahoo",
        "its first line names the columns Datetime and Stock Splits",
        "offset in each stamp",
        ignored=("Dividends", "Stock Splits"),
        rows=1,
    ),
    "Yahoo with the ticker below the names": Sample(
        "Price,Close,High,Low,Open,Volume\nTicker,NQ=F,NQ=F,NQ=F,NQ=F,NQ=F\nDatetime,,,,,\n"
        "2024-01-16 14:30:00+00:00,15893.25,15903.75,15888.0,15895.0,571\n"
        "2024-01-16 14:31:00+00:00,15883.75,15893.5,15877.75,15893.0,549\n",
        "yahoo",
        "its first lines name the columns Price and Ticker (NQ=F)",
        "offset in each stamp",
        rows=2,
    ),
}  # fmt: skip
